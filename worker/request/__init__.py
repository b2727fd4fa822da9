"""A completion request in OpenAI's shape, validated field by field and across fields; open completion.py first."""

from worker.request.completion import CompletionRequest as CompletionRequest
from worker.request.completion import parse as parse
from worker.request.messages import Assistant as Assistant
from worker.request.messages import Audio as Audio
from worker.request.messages import CacheControl as CacheControl
from worker.request.messages import ContentPart as ContentPart
from worker.request.messages import File as File
from worker.request.messages import Image as Image
from worker.request.messages import Message as Message
from worker.request.messages import System as System
from worker.request.messages import Text as Text
from worker.request.messages import ToolCall as ToolCall
from worker.request.messages import ToolResult as ToolResult
from worker.request.messages import User as User
from worker.request.tools import Choice as Choice
from worker.request.tools import Function as Function
from worker.request.tools import JsonSchema as JsonSchema
from worker.request.tools import NamedToolChoice as NamedToolChoice

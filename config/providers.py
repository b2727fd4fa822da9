"""Settings of one provider: its address, its timeouts, its models."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from config.base_url import check as checked_base_url
from config.breaker import Breaker
from config.frozen import Frozen, Name, Seconds
from config.outcomes import Failure

Dialect = Literal["anthropic", "openai", "llama_cpp"]
Capability = Literal["tools", "images", "schema", "json", "prefill"]
Optional = Literal["temperature", "top_p", "stop", "seed", "user", "reasoning_effort", "parallel_tool_calls"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Tokens = Annotated[int, Field(gt=0)]
Price = Annotated[float, Field(ge=0, le=1_000_000)]
Evidence = Annotated[str, Field(min_length=3, max_length=200)]
Variable = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]


class Model(Frozen):
    """One model of a provider; prices are USD per million tokens, None if unknown.

    `context` is its window and `max_output` its longest answer, both in tokens. `unsupported` names the capabilities
    that it lacks although its dialect has them. `drop_params` are fields of a request that it answers 400 to; they are
    left out. `effort_with_tools` is the only reasoning effort that it accepts beside tools.
    """

    name: Annotated[str, Field(min_length=1)]
    input_usd: Price | None = None
    output_usd: Price | None = None
    context: Tokens | None = None
    max_output: Tokens | None = None
    unsupported: frozenset[Capability] = frozenset()
    drop_params: frozenset[Optional] = frozenset()
    effort_with_tools: Effort | None = None

    def limit(self, asked: int | None) -> int | None:
        """Returns the token limit to send: at most the model's own; None if the request has no limit."""
        return asked if asked is None or self.max_output is None else min(asked, self.max_output)


class Provider(Frozen):
    """One provider. `name` is its key in the table `providers`, filled in when settings are read.

    `models` maps a tier to a model; the tier `default` must be there. `api_key` is read from the variable
    that `api_key_env` names, or from the file that `<api_key_env>_FILE` names; it is never written in TOML.
    An empty `api_key_env` means that the server needs no key. `allow_http` precedes `base_url`, whose check reads it.
    `errors` maps what this provider says to a class: a code, a status as text, or words of its message, in any case.
    """

    name: Name
    dialect: Dialect
    allow_http: bool = False
    base_url: str = ""
    base_url_env: Variable = ""
    api_key_env: Variable = ""
    api_key: SecretStr | None = None
    connect_timeout: Seconds = 5.0
    first_token_timeout: Seconds = 30.0
    idle_timeout: Seconds = 30.0
    attempt_timeout: Seconds = 120.0
    stream: bool = True
    models: dict[Name, Model]
    breaker: Breaker = Breaker()
    errors: dict[Evidence, Failure] = Field(default_factory=dict)

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str, info: ValidationInfo) -> str:
        # An invalid allow_http is not in info.data and has its own error.
        return checked_base_url(value, allow_http=info.data.get("allow_http", True))

    @field_validator("api_key")
    @classmethod
    def _check_api_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not all("!" <= character <= "~" for character in value.get_secret_value()):
            raise ValueError("the key has a blank or a character that no HTTP header can carry")
        return value

    @field_validator("models")
    @classmethod
    def _check_models(cls, value: dict[str, Model]) -> dict[str, Model]:
        if "default" not in value:
            raise ValueError("the tier 'default' is missing")
        return value

    @property
    def missing(self) -> str | None:
        """Returns what the provider lacks ("no base URL", "no API key"), None if it can be asked."""
        if not self.base_url:
            return "no base URL"
        if self.api_key is None and self.api_key_env and self.dialect != "llama_cpp":
            return "no API key"
        return None

    @property
    def host(self) -> tuple[str, str]:
        """Returns what tells hosts apart: the dialect and the base URL, as one server may have several under paths."""
        return self.dialect, self.base_url.rstrip("/")

    @property
    def until_first_token(self) -> float:
        """Returns the seconds that an attempt may last until its first token, or the whole of a plain one."""
        return self.first_token_timeout if self.stream else self.attempt_timeout

    def model(self, tier: str) -> Model:
        """Returns the model of a tier; the default model if the provider lacks the tier."""
        return self.models.get(tier) or self.models["default"]

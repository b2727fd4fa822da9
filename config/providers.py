"""Settings of one provider: its address, its timeouts, its models."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from config.base_url import check as checked_base_url
from config.breaker import Breaker
from config.frozen import Frozen, Name, Seconds
from config.headers import Headers, unset
from config.limits import Limits
from config.outcomes import Failure
from config.retry import ProviderRetry

Dialect = Literal["anthropic", "openai", "llama_cpp"]
Capability = Literal["tools", "images", "files", "audio", "schema", "json", "prefill"]
Extension = Literal["top_k", "min_p", "repetition_penalty"]
"""Fields that many servers of OpenAI's dialect take, and OpenAI answers 400 to."""
LimitField = Literal["max_tokens", "max_completion_tokens"]
StandIn = Literal["reasoning_content", "thought_signature"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
FIRST_TOKEN, LLAMA_CPP_FIRST_TOKEN, REASONING_FIRST_TOKEN = 30.0, 45.0, 120.0
ATTEMPT, REASONING_ATTEMPT = 120.0, 300.0
"""Default limits in seconds. While a model reasons Anthropic sends pings, llama.cpp one every 30 s, OpenAI nothing."""

Tokens = Annotated[int, Field(gt=0)]
Price = Annotated[float, Field(ge=0, le=1_000_000)]
DISABLED = "disabled"
"""What `Provider.missing` says of a provider that is not to be asked."""

Evidence = Annotated[str, Field(min_length=3, max_length=200)]
Variable = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]


def _check_dropped(path: str) -> str:
    if path in ("model", "messages", "stream"):
        raise ValueError(f"a request is nothing without {path}")
    return path


BodyField = Annotated[
    str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"), AfterValidator(_check_dropped)
]
"""A field of a request, or of the body that a provider gets; dots lead into objects, and into each item of a list."""


class Model(Frozen):
    """One model of a provider; prices are USD per million tokens. An empty `name` is to be given yet.

    Without `input_usd` and `output_usd` they are a library's (worker/pricing). `cached_usd` and `cache_write_usd` are
    of tokens read from a cache and written to one; without them they are in the vendor's proportion to the input.
    `context` is its window and `max_output` its longest answer, both in tokens. `unsupported` names the capabilities
    that it lacks although its dialect has them. `drop_params` are fields that it answers 400 to; they are left out.
    `pass_params` are fields beyond its dialect that it takes, `limit_field` names its token limit. `effort_with_tools`
    is the only reasoning effort that it accepts beside tools. `reasons` says that it may think for minutes before its
    first token; `first_token_timeout` and `attempt_timeout` replace the provider's.
    """

    name: str
    input_usd: Price | None = None
    output_usd: Price | None = None
    cached_usd: Price | None = None
    cache_write_usd: Price | None = None
    context: Tokens | None = None
    max_output: Tokens | None = None
    unsupported: frozenset[Capability] = frozenset()
    drop_params: frozenset[BodyField] = frozenset()
    pass_params: frozenset[Extension] = frozenset()
    limit_field: LimitField | None = None
    effort_with_tools: Effort | None = None
    reasons: bool = False
    first_token_timeout: Seconds | None = None
    attempt_timeout: Seconds | None = None

    def limit(self, asked: int | None) -> int | None:
        """Returns the token limit to send: at most the model's own; None if the request has no limit."""
        return asked if asked is None or self.max_output is None else min(asked, self.max_output)


class Provider(Frozen):
    """One provider. `name` is its key in the table `providers`, filled in when settings are read.

    `models` maps a tier to a model; the tier `default` must be there. `api_key` is read from the variable
    that `api_key_env` names, or from the file that `<api_key_env>_FILE` names; it is never written in TOML.
    An empty `api_key_env` means that the server needs no key, `api_key_optional` that it may go without one.
    `preset` names the table of `config.presets` below this one. `headers` replace the dialect's. `probe_path` replaces
    the path of the dialect's probe. `base_path` is the path of a `base_url` that has none, or only the beginning of it.
    It, `dialect` and `allow_http` precede `base_url`, whose check reads them.
    `errors` maps what this provider says to a class: a code, a status as text, or words of its message, in any case.
    `retry` replaces fields of the chain's.
    `drop_params`, `pass_params` and `limit_field` hold for each of its models. `prompt_cache` marks prompts for its
    cache. `stand_in` is a field without which it refuses the calls that another provider made. With `short_call_ids` it
    gets ids of nine letters and digits, with `developer_role` the role `developer`, which others get as `system`.
    """

    name: Name
    preset: Name | None = None
    enabled: bool = True
    dialect: Dialect
    allow_http: bool = False
    base_path: Annotated[str, Field(pattern=r"^((/[\w.~-]+)+)?$")] = ""
    base_url: str = ""
    base_url_env: Variable = ""
    api_key_env: Variable = ""
    api_key: SecretStr | None = None
    api_key_optional: bool = False
    headers: Headers = Field(default_factory=dict)
    probe_path: Annotated[str, Field(pattern=r"^(/[!-~]*)?$")] = ""
    connect_timeout: Seconds = 5.0
    first_token_timeout: Seconds | None = None
    idle_timeout: Seconds = 30.0
    attempt_timeout: Seconds | None = None
    stream: bool = True
    drop_params: frozenset[BodyField] = frozenset()
    pass_params: frozenset[Extension] = frozenset()
    limit_field: LimitField | None = None
    prompt_cache: bool = False
    stand_in: StandIn | None = None
    short_call_ids: bool = False
    developer_role: bool = False
    models: dict[Name, Model]
    breaker: Breaker = Breaker()
    limits: Limits = Limits()
    retry: ProviderRetry = ProviderRetry()
    errors: dict[Evidence, Failure] = Field(default_factory=dict)

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str, info: ValidationInfo) -> str:
        # What is invalid is not in info.data and has its own error.
        given = info.data
        return checked_base_url(
            value, given.get("allow_http", True), given.get("dialect", ""), given.get("base_path", "")
        )

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
        """Returns why the provider cannot be asked ("disabled", "no base URL", "no API key"), None if it can."""
        return self._lack[0] if self._lack else None

    @property
    def wanted(self) -> str:
        """Returns the variable without which the provider cannot be asked, empty if there is none."""
        return self._lack[1] if self._lack else ""

    @property
    def _lack(self) -> tuple[str, str] | None:
        if not self.enabled:
            return DISABLED, ""
        if not self.base_url:
            return "no base URL", self.base_url_env
        if not all(model.name for model in self.models.values()):
            return "no model", f"FALLBACK_PROVIDERS__{self.name.upper().replace('-', '_')}__MODELS__DEFAULT__NAME"
        if self.api_key is None and self.api_key_env and not (self.api_key_optional or self.dialect == "llama_cpp"):
            return "no API key", self.api_key_env
        return next(((f"no value of header {name}", variable) for name, variable in unset(self.headers)), None)

    @property
    def host(self) -> tuple[str, str]:
        """Returns what tells hosts apart: the dialect and the base URL, as one server may have several under paths."""
        return self.dialect, self.base_url.rstrip("/")

    def first_token_limit(self, model: Model) -> float:
        """Returns the seconds of silence that are allowed before the first token.

        Without a setting: 45 s for llama.cpp, which pings every 30; 120 s for a model that reasons on OpenAI's wire,
        where nothing is sent meanwhile; else 30 s.
        """
        if limit := model.first_token_timeout or self.first_token_timeout:
            return limit
        if self.dialect == "llama_cpp":
            return LLAMA_CPP_FIRST_TOKEN
        return REASONING_FIRST_TOKEN if model.reasons and self.dialect == "openai" else FIRST_TOKEN

    def attempt_limit(self, model: Model) -> float:
        """Returns the seconds of one whole attempt; without a setting 120, or 300 for a model that reasons."""
        default = REASONING_ATTEMPT if model.reasons else ATTEMPT
        return model.attempt_timeout or self.attempt_timeout or default

    def until_first_token(self, model: Model) -> float:
        """Returns the seconds that an attempt may last without a sign of life; for a plain answer, altogether."""
        return self.first_token_limit(model) if self.stream else self.attempt_limit(model)

    @property
    def permit_lifetime(self) -> float:
        """Returns the seconds until the first byte at the latest, whatever the model."""
        return self.connect_timeout + max(map(self.first_token_limit, self.models.values()))

    @property
    def longest_attempt(self) -> float:
        """Returns the seconds of the longest attempt, whatever the model."""
        return max(map(self.attempt_limit, self.models.values()))

    def model(self, tier: str) -> Model:
        """Returns the model of a tier; the default model if the provider lacks the tier."""
        return self.models.get(tier) or self.models["default"]

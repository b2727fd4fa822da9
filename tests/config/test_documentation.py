import re
from pathlib import Path

from config.outcomes import RULES, Outcome
from config.settings import load

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text("utf-8")
DEFAULTS, FIELDS, NAMES, OVERRIDES, OWN_PROVIDER = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_file_on_the_page_is_the_defaults(load_toml):
    assert load_toml(DEFAULTS) == load({})


def test_the_provider_on_the_page_can_be_used(load_toml):
    settings = load_toml(OWN_PROVIDER, MISTRAL_API_KEY="k")
    assert settings.providers["mistral"].missing is None
    assert settings.chains["default"].providers == ("mistral", "claude")


def test_the_fields_on_the_page_are_settings(load_toml):
    providers = load_toml(FIELDS).providers
    assert "messages.name" in providers["groq"].drop_params
    assert providers["mistral"].limit_field == "max_tokens"


def test_the_names_on_the_page_are_settings(load_toml):
    settings = load_toml(NAMES)
    assert (settings.models["gpt-4o-mini"], settings.unknown_model) == ("fast", "default")


def test_the_overrides_on_the_page_hold(load_toml):
    chains = load_toml(OVERRIDES).chains
    assert chains["default"].rules[Outcome.REFUSED].next_provider == "at-once"
    assert chains["default"].rules[Outcome.TIMEOUT] == RULES[Outcome.TIMEOUT]
    assert chains["high-priority"].rules[Outcome.TIMEOUT].same_provider == "never"
    assert chains["high-priority"].rules[Outcome.INVALID].next_provider == "never"

import re
from pathlib import Path

import pytest

from config.breaker import Adaptive, Breaker
from config.chains import Chain, Retry
from config.outcomes import RULES, Outcome
from config.providers import Model, Provider
from config.settings import Health, Results, Settings, load

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
DEFAULTS, OVERRIDES, OWN_PROVIDER = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_file_on_the_page_is_the_defaults(load_toml):
    assert load_toml(DEFAULTS) == load({})


def test_the_provider_on_the_page_can_be_used(load_toml):
    settings = load_toml(OWN_PROVIDER, MISTRAL_API_KEY="k")
    assert settings.providers["mistral"].missing is None
    assert settings.chains["default"].providers == ("mistral", "claude")


def test_the_overrides_on_the_page_hold(load_toml):
    chains = load_toml(OVERRIDES).chains
    assert chains["default"].rules[Outcome.REFUSED].onward == "at-once"
    assert chains["default"].rules[Outcome.TIMEOUT] == RULES[Outcome.TIMEOUT]
    assert chains["high-priority"].rules[Outcome.TIMEOUT].again == "never"
    assert chains["high-priority"].rules[Outcome.INVALID].onward == "never"


def test_the_page_shows_the_rule_of_every_failure():
    rows = re.findall(r"^\| `([a-z-]+)` \| `([a-z-]+)` \| `([a-z-]+)` \| ([a-z-]+) \|$", PAGE, re.MULTILINE)
    shown = {name: (again, onward, breaker.replace("nothing", "ignored")) for name, again, onward, breaker in rows}
    rules = {outcome.value: (rule.again, rule.onward, rule.breaker) for outcome, rule in RULES.items()}
    assert shown == {name: rule for name, rule in rules.items() if name not in ("success", "cut-short")}


@pytest.mark.parametrize(
    ("model", "prefix"),
    [
        (Settings, ""),
        (Breaker, "breaker."),
        (Adaptive, "breaker.adaptive."),
        (Health, "health."),
        (Results, "results."),
        (Provider, ""),
        (Model, ""),
        (Chain, ""),
        (Retry, "retry."),
    ],
)
def test_the_page_names_every_field(model, prefix):
    unnamed = [name for name in model.model_fields if not re.search(rf"`{re.escape(prefix + name)}\b|\[{name}\b", PAGE)]
    assert unnamed == []

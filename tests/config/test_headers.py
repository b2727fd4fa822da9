"""Headers of a provider: fixed texts, and secrets that variables hold."""

import pytest

from config.headers import HeaderVariable
from config.provenance import effective
from config.settings import ConfigurationError, load

ORG = "[providers.claude.headers]\nX-Team = 'search'\nX-Org = { env = 'ORG_ID' }\n"


def test_a_header_is_a_text_or_names_its_variable(load_toml):
    headers = load_toml(ORG, ORG_ID=" org-1\n").providers["claude"].headers
    assert headers["X-Team"] == "search"
    assert headers["X-Org"].value.get_secret_value() == "org-1"


def test_a_header_s_variable_may_name_a_file(load_toml, tmp_path):
    (tmp_path / "org").write_text("org-2\n")
    headers = load_toml(ORG, ORG_ID_FILE=str(tmp_path / "org")).providers["claude"].headers
    assert headers["X-Org"].value.get_secret_value() == "org-2"


def test_without_its_variable_the_provider_is_not_configured_and_says_which(load_toml):
    claude = load_toml(ORG, ANTHROPIC_API_KEY="k").providers["claude"]
    assert (claude.missing, claude.wanted) == ("no value of header X-Org", "ORG_ID")
    assert claude.headers["X-Org"] == HeaderVariable(env="ORG_ID")


def test_a_variable_sets_the_header_that_it_means(load_toml):
    prefix = "FALLBACK_PROVIDERS__CLAUDE__HEADERS"
    headers = load_toml(ORG, **{f"{prefix}__X_TEAM": "ads", f"{prefix}__X_NEW": "1"}).providers["claude"].headers
    assert (headers["X-Team"], headers["x-new"]) == ("ads", "1")


def test_a_value_from_the_environment_shows_nowhere(load_toml, tmp_path):
    settings = load_toml(ORG, ORG_ID="hidden")
    assert "hidden" not in f"{settings!r} {settings}"
    (tmp_path / "f.toml").write_text(ORG)
    entries = effective({"FALLBACK_CONFIG": str(tmp_path / "f.toml"), "ORG_ID": "hidden"})
    found = {entry.path: (entry.value, entry.origin) for entry in entries}
    assert found["providers.claude.headers.X-Org.value"] == ("set", "ORG_ID")
    assert found["providers.claude.headers.X-Team"] == ("search", str(tmp_path / "f.toml"))
    assert "hidden" not in repr(entries)


PRINTABLE = "must be printable ASCII, without blanks around it"
NO_NAME = "is no header: a name has letters, digits and -"
CLIENTS = "is a header that the HTTP client sets"
WRONG = [
    ('"X-A" = "a\\r\\nHost: evil"', f"X-A: {PRINTABLE}"),
    ('"X-A" = " a"', f"X-A: {PRINTABLE}"),
    ('"X-A" = "ä"', f"X-A: {PRINTABLE}"),
    ('"X-A\\r\\nX-B" = "a"', rf"X-A\r\nX-B: {NO_NAME}"),
    ('"X A" = "a"', f"X A: {NO_NAME}"),
    ('"" = "a"', f'"": {NO_NAME}'),
    ('Host = "a"', f"Host: {CLIENTS}"),
    ('content-length = "1"', f"content-length: {CLIENTS}"),
    ('Content-Type = { env = "A" }', f"Content-Type: {CLIENTS}"),
    ("X-A = 3", "X-A: Input should be a valid dictionary or instance of HeaderVariable"),
    ("X-A = {}", "X-A.env: missing"),
    ('X-A = { env = "A", other = 1 }', "X-A.other: unknown key"),
    ('X-A = { env = "A B" }', "X-A.env: String should match pattern '^[A-Za-z_][A-Za-z0-9_]*$'"),
    ('X-A = { env = "A", value = "secret" }', "X-A.value: put its variable's name in env, never the value"),
]


@pytest.mark.parametrize(("text", "line"), WRONG)
def test_a_wrong_header_is_one_line_with_its_path(load_toml, text, line):
    with pytest.raises(ConfigurationError) as refused:
        load_toml(f"[providers.claude.headers]\n{text}")
    assert str(refused.value) == f"providers.claude.headers.{line}"


SECRET = ["Authorization", "x-api-key", "API-Key", "cookie", "Helicone-Auth", "cf-aig-authorization", "X_Auth_Token"]


@pytest.mark.parametrize("name", SECRET)
def test_a_header_that_holds_a_key_does_not_stand_in_the_file(load_toml, name):
    with pytest.raises(ConfigurationError) as refused:
        load_toml(f"[providers.claude.headers]\n{name} = 'Bearer secret'")
    reason = f'{name} holds a secret, so name its variable: {{ env = "NAME" }}'
    assert str(refused.value) == f"providers.claude.headers: {reason}"
    load_toml(f"[providers.claude.headers]\n{name} = {{ env = 'GATEWAY' }}", GATEWAY="Bearer secret")


@pytest.mark.parametrize("name", ["X-Author", "X-Keyboard", "X-Tokens", "anthropic-beta"])
def test_a_header_that_only_begins_as_one_may_stand_there(load_toml, name):
    headers = load_toml(f"[providers.claude.headers]\n{name} = 'a'").providers["claude"].headers
    assert headers == {name: "a"}


def test_a_header_twice_is_refused(load_toml):
    with pytest.raises(ConfigurationError, match="a header is there twice"):
        load_toml("[providers.claude.headers]\nX-A = 'a'\nx-a = 'b'")


@pytest.mark.parametrize("value", ["secret\r\nHost: evil", "sécret"])
def test_a_wrong_value_of_a_variable_is_not_shown(value):
    environ = {"FALLBACK_PROVIDERS__CLAUDE__HEADERS": '{"X-A": {"env": "A"}}', "A": value}
    with pytest.raises(ConfigurationError) as refused:
        load(environ)
    assert str(refused.value) == f"providers.claude.headers.X-A.value: {PRINTABLE}"

"""Each setting, command, event, metric, key and class of outcome is on its page of the reference."""

import ast
import json
import re
from pathlib import Path

import pytest

from config.outcomes import Outcome
from config.provenance import effective
from docs.generators import commands, errors, metrics, pages, request, settings, sources
from docs.generators.docstrings import source, table
from docs.generators.links import to_files
from docs.generators.tables import code

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted(REFERENCE.glob("*.md"))
LUA = "".join(path.read_text("utf-8") for folder in ("worker", "tasks") for path in (ROOT / folder).rglob("*.lua"))
EVENT = re.compile(
    r"'((?:answer|breaker-settings|circuit-breaker|duplicate|message|provider|request|task-id|worker)-[a-z-]*[a-z])'"
)
FIXED_KEY = re.compile(r"\{[^{}]*(?:namespace|prefix|tag)[^{}]*\}:(?:2:)?([a-z_]+)")
VARIABLES = [setting for setting in settings.settings().values() if setting.variable]
PROVIDER = {"NAME": "claude", "TIER": "fast", "EVIDENCE": "plan_paused", "MODEL": "o3", "HEADER": "x-team"}
PROVIDER |= {"TENANT": "acme"}
CHAIN = {"NAME": "high-priority", "CLASS": "rate-limited"}
WORDS = {
    "allow_http": "true",
    "breaker": '{"failure_threshold": 3}',
    "same_provider": "never",
    "next_provider": "never",
}
WORDS |= {
    "plan_paused": "transient",
    "effort_with_tools": "none",
    "unsupported": '["tools"]',
    "drop_params": '["seed"]',
    "pass_params": '["top_k"]',
    "limit_field": "max_tokens",
    "stand_in": "reasoning_content",
    "o3": "fast",
    "x-team": "search",
    "base_path": "/v1",
    "probe_path": "/health",
    "usd_per_day": "1",
}


def page(name):
    return pages.fill((REFERENCE / f"{name}.md").read_text("utf-8"))


def in_code(name):
    return {part for piece in re.findall(r"`([^`\n]+)`", page(name)) for part in (piece, *piece.split())}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_marker_can_be_filled(path):
    assert "<!-- generated" not in pages.fill(path.read_text("utf-8"))


def test_every_generator_is_on_a_page():
    used = {name for path in PAGES for name, _ in pages.MARKER.findall(path.read_text("utf-8"))}
    assert used == {*pages.ANNOTATED, *pages.WHOLE}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_link_to_a_file_of_the_repository_leads_somewhere(path):
    assert to_files(path.read_text("utf-8"), path, ROOT / "docs")[1] == []


def test_every_setting_has_a_row():
    named = re.findall(r"^\| `([\w.]+)`", page("configuration"), re.MULTILINE)
    assert set(settings.settings()) <= set(named)


@pytest.mark.parametrize("setting", VARIABLES, ids=lambda setting: setting.variable)
def test_the_variable_on_the_page_sets_the_setting(setting):
    keys = CHAIN if setting.path[0] == "chains" else PROVIDER
    path = [keys.get(step, step) for step in setting.path]
    variable = "FALLBACK_" + "__".join(path).upper().replace("-", "_")
    environ = {**model_name(variable), variable: accepted(path)}
    assert re.fullmatch(
        re.sub("NAME(?=__)|TIER|CLASS|EVIDENCE|HEADER|TENANT(?=__)|MODEL$", "[A-Z_0-9]+", setting.variable), variable
    )
    assert variable in {entry.origin for entry in effective(environ) if entry.path.startswith(".".join(path))}


def model_name(variable):
    table, models, _ = variable.partition("__MODELS__FAST__")
    return {f"{table}{models}NAME": "a-model"} if models else {}


def accepted(path):
    """Returns a value that the setting takes, as a variable has it: the one in force, if there is one."""
    if path[-1] in WORDS:
        return WORDS[path[-1]]
    [value] = [entry.value for entry in effective({}) if entry.path == ".".join(path)]
    return value if isinstance(value, str) and value else json.dumps(value or 1)


def test_every_class_of_outcome_has_a_row():
    rows = re.findall(
        r"^\| `([a-z-]+)` \| `[a-z-]+` \| `[a-z-]+` \| `[a-z-]+` \|", page("outcome-classes"), re.MULTILINE
    )
    assert rows == [outcome.value for outcome in Outcome]


def test_every_field_of_a_request_has_a_row():
    assert set(request.schema()["properties"]) <= in_code("request-and-result")


def test_every_command_and_option_is_on_the_page():
    text = page("cli")
    for context in commands.contexts():
        assert context.command_path in text
        for parameter in context.command.params:
            names = parameter.opts if parameter.param_type_name == "option" else [parameter.name.upper()]
            assert [name for name in names if name not in text] == []


def test_every_event_that_a_script_writes_is_on_the_page():
    written = set(EVENT.findall(LUA))
    assert len(written) > 10
    assert written <= in_code("events")


def test_every_event_on_the_page_is_written_by_a_script():
    types = {code(f"`{name}`") for row in table(sources.EVENTS).rows for name in re.findall(r"`([^`]+)`", row[0])}
    assert {name for name in types if name not in LUA and not name.startswith("circuit-breaker-")} == set()


def test_every_metric_and_counter_is_on_the_page():
    names = {family.name for family in metrics.families()}
    counters = {code(row[0]) for row in table(sources.COUNTERS).rows}
    assert names | counters <= in_code("metrics")
    assert {f"fallback_{counter}_total" for counter in counters} <= names


def test_the_table_of_counters_has_those_that_are_counted():
    assignments = {
        node.targets[0].id: node.value
        for node in ast.parse(source(sources.COUNTERS)).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert [code(row[0]) for row in table(sources.COUNTERS).rows] == list(ast.literal_eval(assignments["COUNTERS"]))


def test_every_key_that_the_code_names_is_on_the_page():
    texts = [path.read_text("utf-8") for folder in ("worker", "tasks") for path in (ROOT / folder).rglob("*.py")]
    used = {name for text in texts for name in FIXED_KEY.findall(text)}
    shown = {part for key in in_code("redis-keys") if key.startswith("{ns}:") for part in key.split(":")}
    assert {"events", "breaker", "task"} <= used <= shown


def test_every_exception_is_on_the_page():
    text = page("api")
    assert [name for name in errors.names() if f"::: {sources.ERRORS}.{name}\n" not in text] == []

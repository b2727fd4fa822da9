"""Files that include others, and files that cannot be read."""

import pytest

from tasks.cli.litellm.conversion import convert
from tasks.cli.litellm.source import SourceError, read

MODEL = "{{model_name: {0}, litellm_params: {{model: openai/{0}}}}}"


@pytest.fixture
def write(tmp_path):
    def written(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
        return tmp_path / "main.yaml"

    return written


def test_included_files_are_joined_and_keep_their_lines(write):
    main = write(
        main=f"include: [one.yaml]\nmodel_list:\n- {MODEL.format('a')}\nlitellm_settings: {{cache: true}}\n",
        one=f"include: [two.yaml, main.yaml]\nmodel_list:\n- {MODEL.format('b')}\n",
        two=f"\n\nlitellm_settings: {{num_retries: 2, odd: 1}}\nmodel_list:\n\n- {MODEL.format('c')}\n- {{}}\n",
    )
    source = read(main)
    assert [each.get("model_name") for each in source.tree["model_list"]] == ["a", "b", "c", None]
    assert source.tree["litellm_settings"] == {"num_retries": 2, "odd": 1}
    told = {each.path: each.place for each in convert(source).remarks.unmatched}
    assert told == {"litellm_settings.odd": "two.yaml:3", "model_list.3": "two.yaml:7"}


def test_an_included_file_may_lie_beside_the_first(write, tmp_path):
    main = write(main="include: [below/one.yaml]", two=f"model_list: [{MODEL.format('a')}]")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "one.yaml").write_text("include: [two.yaml]", "utf-8")
    assert len(read(main).tree["model_list"]) == 1


BAD = [
    ("model_list: [", "main.yaml:1: is not YAML: "),
    ("a: 1\nb: *hunter2", "main.yaml:2: is not YAML: found undefined alias"),
    ("a: 1\nb: !hunter2 x", "main.yaml:2: is not YAML: could not determine a constructor for the tag"),
    ("a: \x01hunter2", "main.yaml: is not YAML"),
    ("a: 2026-02-31", "main.yaml: is not YAML"),
    ("- 1", "main.yaml: must be a table with model_list"),
    ("1: 2", "main.yaml: must be a table with model_list"),
    ("", "main.yaml: must be a table with model_list"),
    ("[" * 3000, "main.yaml: is nested too deep"),
    ("\nmodel_list: {}", "main.yaml:2: model_list: must be a list"),
    ("model_list:\n- hunter2", "main.yaml:2: model_list.0: must be a table"),
    ("model_list:\n- {litellm_params: hunter2}", "main.yaml:2: model_list.0.litellm_params: must be a table"),
    ("a: 1\n\nrouter_settings: [hunter2]", "main.yaml:3: router_settings: must be a table"),
    (
        "router_settings:\n  model_group_alias: [hunter2]",
        "main.yaml:2: router_settings.model_group_alias: must be a table",
    ),
    ("credential_list: hunter2", "main.yaml:1: credential_list: must be a list"),
    ("include: hunter2", "main.yaml:1: include: must be a list of files"),
    ("include: [absent.yaml]", "absent.yaml: No such file or directory"),
    ("#" * 1_000_001, "main.yaml: is larger than 1000000 bytes"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[message for _, message in BAD])
def test_what_cannot_be_read_is_told_with_its_line_and_without_its_text(write, tmp_path, text, message):
    main = write(main=text)
    with pytest.raises(SourceError) as caught:
        convert(read(main))
    said = str(caught.value).replace(f"{tmp_path}/", "")
    assert said.startswith(message)
    assert "hunter2" not in said


def test_a_file_that_is_no_text_is_told(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff")
    with pytest.raises(SourceError, match="is not UTF-8 text"):
        read(tmp_path / "x")


def test_an_alias_bomb_is_read_at_once(write):
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
    found = convert(read(write(main="\n".join(lines))))
    assert len(found.remarks.unmatched) == 30


def test_what_is_written_once_and_used_twice_keeps_its_meaning(write):
    text = (
        "shared: &s {api_key: os.environ/K}\nmodel_list:\n- {model_name: a, litellm_params: {<<: *s, model: gpt-4o}}\n"
    )
    found = convert(read(write(main=text)))
    assert found.providers["openai-gpt-4o"]["api_key_env"] == "K"
    assert [each.path for each in found.remarks.unmatched] == ["shared"]

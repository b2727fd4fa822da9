import pytest

from config.settings import load


@pytest.fixture
def load_toml(tmp_path):
    def loaded(text, **environ):
        path = tmp_path / "fallback.toml"
        path.write_text(text, "utf-8")
        return load({"FALLBACK_CONFIG": str(path), **environ})

    return loaded

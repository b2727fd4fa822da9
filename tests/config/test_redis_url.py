"""Where Redis is: Sentinels in one URL, and a password from a file."""

import pytest

from config.redis_url import Sentinels, sentinels, shown
from config.settings import load

FORMS = [
    ("sentinel://a", Sentinels((("a", 26379),), "mymaster", 0, None, None)),
    ("sentinel://a:1,b,[::1]:2/3", Sentinels((("a", 1), ("b", 26379), ("::1", 2)), "mymaster", 3, None, None)),
    ("sentinel://:p%40w@a/0?master=main", Sentinels((("a", 26379),), "main", 0, None, "p@w")),
    ("sentinel://ann:p@a:1/?master=main", Sentinels((("a", 1),), "main", 0, "ann", "p")),
]


@pytest.mark.parametrize(("url", "expected"), FORMS)
def test_a_sentinel_url_names_sentinels_master_database_and_login(url, expected):
    assert sentinels(load({"REDIS_URL": url}).redis_url) == expected


def test_a_server_s_url_names_no_sentinels():
    assert sentinels("redis://:p@a:1/0") is None


def test_celery_gets_a_whole_url_per_sentinel():
    url = "sentinel://ann:p%2Fw@a:1,[::1]:2/3?master=main"
    assert sentinels(url).celery_url == "sentinel://ann:p%2Fw@a:1/3;sentinel://ann:p%2Fw@[::1]:2/3"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://ann:hidden@h", "redis://h:6379"),
        ("rediss://:hidden@h:1/2", "rediss://h:1/2"),
        ("sentinel://ann:hidden@a:1,b/2", "sentinel://a:1,b:26379/2?master=mymaster"),
    ],
)
def test_a_place_is_shown_without_its_login(url, place):
    assert shown(url) == place


def test_sentinels_show_no_password():
    assert "hidden" not in repr(sentinels("sentinel://:hidden@a"))


PASSWORDS = [
    ("redis://h:1/0", "redis://:p%2Fw@h:1/0"),
    ("rediss://ann@h/0", "rediss://ann:p%2Fw@h/0"),
    ("sentinel://a:1,b:2/0?master=main", "sentinel://:p%2Fw@a:1,b:2/0?master=main"),
    ("redis://:own@h:1/0", "redis://:own@h:1/0"),
    ("", "redis://:p%2Fw@127.0.0.1:6379/0"),
]


@pytest.mark.parametrize(("url", "expected"), PASSWORDS)
def test_a_password_from_a_file_goes_into_a_url_that_has_none(tmp_path, url, expected):
    (tmp_path / "password").write_text("p/w\n")
    assert load({"REDIS_URL": url, "REDIS_PASSWORD_FILE": str(tmp_path / "password")}).redis_url == expected


def test_an_empty_password_is_none(tmp_path):
    (tmp_path / "password").touch()
    assert load({"REDIS_URL": "redis://h", "REDIS_PASSWORD_FILE": str(tmp_path / "password")}).redis_url == "redis://h"

"""The file of triggers: its parts, and receivers of webhooks with their mistakes."""

import pytest

from config.mistakes import InvalidFile
from config.trigger_file import read_trigger_tables
from config.webhooks import Receiver, read_receivers, receivers_of, url_problem

FILE = """\
[triggers.idle]
on = "absence"

[receivers.mail]
url = "https://hooks.example.com/shop"
secret_env = "MAIL_SECRET"
triggers = ["idle"]
channels = ["email"]
"""


def mistakes_in(text: str) -> list[str]:
    with pytest.raises(InvalidFile) as raised:
        receivers_of(text)
    return [str(mistake) for mistake in raised.value.mistakes]


def test_each_part_goes_to_who_reads_it() -> None:
    tables = read_trigger_tables(FILE)
    receivers, found = read_receivers(tables.receivers)
    assert (list(tables.triggers), tables.caps, found) == (["idle"], {}, [])
    assert receivers["mail"].wants("idle", "email")
    assert not receivers["mail"].wants("idle", "push")
    assert not receivers["mail"].wants("back", "email")


def test_another_table_is_told_with_its_line() -> None:
    with pytest.raises(InvalidFile, match=r"line 10: .*'trigger' is no table of this file"):
        read_trigger_tables(f"{FILE}\n[trigger.x]\n")


def test_a_part_that_is_no_table_is_told() -> None:
    with pytest.raises(InvalidFile, match=r"line 1: caps: tables"):
        read_trigger_tables("caps = 3")


def test_receivers_without_bounds_get_everything() -> None:
    assert Receiver(url="https://example.com", secret_env="A").wants("any", "push")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"https://hooks', '"http://hooks', "line 5: receivers.mail.url: 'http' is not safe"),
        ("https://hooks", "https://me:word@hooks", "no user or password"),
        ("/shop", "/shop;v=1", "no ; in its path"),
        ('secret_env = "MAIL_SECRET"', "", "line 4: receivers.mail: allowed: either secret_env"),
        ('"MAIL_SECRET"', '"SHOPKEEPER_X"', "line 6: receivers.mail.secret_env"),
        ('["idle"]', '["gone"]', "line 7: receivers.mail.triggers: 'gone' is no trigger"),
        ("channels", "chanels", "did you mean channels?"),
        ("channels", 'allow_networks = ["10.1.1.1/8"]\nchannels', "has host bits set"),
        ("channels", "at_once = 1000\nchannels", "a whole number from 1 to 64"),
        ("receivers.mail", 'receivers."a b"', "allowed names"),
    ],
)
def test_a_mistake_has_its_place(before: str, after: str, told: str) -> None:
    assert any(told in mistake for mistake in mistakes_in(FILE.replace(before, after)))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "https:///path",
        "https://example.com:99999/",
        "https://example.com/a b",
        "https://[::1/",
        "https://example.com/\\@inside",
        "https://exämple.com/",
        "https://example.com/#x",
        "//example.com/",
        "",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    assert url_problem(url, allow_http=True)

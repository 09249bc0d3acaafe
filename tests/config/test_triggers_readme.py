"""``stream/triggers.md`` names every field that a file of triggers may have."""

import re
from pathlib import Path

import msgspec
import pytest

from config.triggers import KINDS, ChannelCap, QuietHours

TOLD = (Path(__file__).parents[2] / "stream" / "triggers.md").read_text(encoding="utf-8")
CODE = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", TOLD))))


@pytest.mark.parametrize("table", [*KINDS.values(), ChannelCap, QuietHours])
def test_every_field_stands_in_the_text(table: type[msgspec.Struct]) -> None:
    assert [name for name in table.__struct_fields__ if name not in CODE] == []


def test_every_kind_stands_in_the_text() -> None:
    assert [kind for kind in KINDS if f'`on = "{kind}"`' not in TOLD] == []

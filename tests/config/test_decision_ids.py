"""Ids of decisions tell their time; what is none tells nothing."""

from random import Random

import pytest

from config.decision_ids import new_decision_id, time_of

AN_ID = new_decision_id(1_700_000_000_000, Random(1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        AN_ID[:-1],
        f"{AN_ID}0",
        f"+{AN_ID[1:]}",
        f"-{AN_ID[1:]}",
        f" {AN_ID[1:]}",
        f"{AN_ID[:3]}_{AN_ID[4:]}",
        f"0x{AN_ID[2:]}",
        f"{AN_ID[:-1]}g",
        f"{AN_ID}\n",
    ],
)
def test_what_is_no_id_has_no_time(text: str) -> None:
    assert time_of(AN_ID) == 1_700_000_000_000
    assert time_of(text) is None

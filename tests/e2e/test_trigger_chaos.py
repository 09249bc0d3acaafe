"""The short run of kills while triggers fire: each is told, under one id, each user's in order."""

from loadtest.trigger_chaos import run_trigger_chaos
from shopkeeper.lifeline import tied


def test_every_trigger_is_told_while_everything_is_killed() -> None:
    figures = run_trigger_chaos(300, 5, 1, tied)
    assert figures["first_difference"] == ""
    assert (figures["triggers_missing"], figures["triggers_repeated_ids"]) == (0, 0)
    assert figures["out_of_order"] == 0
    assert (figures["kills"], figures["restarts"]) == (5, 5)
    assert figures["kills_while_under_way"] >= 3

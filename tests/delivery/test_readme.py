"""What the README says of receivers and of bounds is so."""

import re
from pathlib import Path

from config.durations import DAY_MS, HOUR_MS
from config.keys import (
    DEAD_LETTER_AGE_MS,
    MAX_TOLD,
    MAX_UNDELIVERED,
    TRIGGER_AGE_MS,
    UNTOLD_TRIGGER_AGE_MS,
)
from config.settings import DeliverySettings
from config.trigger_file import read_trigger_tables
from config.webhooks import MAX_RECEIVERS, Receiver, read_receivers
from delivery.schedule import DELAYS_MS
from serving.batching import MAX_BATCHES
from serving.schemas import MAX_BATCH_USERS
from serving.trigger_feed import MAX_LISTENERS

README = (Path(__file__).parents[2] / "delivery" / "README.md").read_text(encoding="utf-8")


def test_the_example_is_a_good_file() -> None:
    [text] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    receivers, found = read_receivers(read_trigger_tables(text).receivers)
    assert (list(receivers), found) == (["mail-tool", "till"], [])


def test_every_field_of_a_receiver_is_explained() -> None:
    rows = README.split("|---|---|---|\n")[1].split("\n\n")[0]
    told = set(re.findall(r"^\| `(\w+)`(?: or `(\w+)`)?", rows, re.MULTILINE))
    assert {name for pair in told for name in pair if name} == set(Receiver.__struct_fields__)


def test_the_bounds_are_those_of_the_code() -> None:
    table = README.split("| what | bound | then |\n|---|---|---|\n")[1].split("\n\n")[0]
    cells = [row.strip("| ").split(" | ") for row in table.splitlines()]
    bounds = {what: re.findall(r"\d+(?:,\d{3})*", bound) for what, bound, _ in cells}
    told = {
        "what fired and was not fetched": [
            UNTOLD_TRIGGER_AGE_MS // DAY_MS,
            TRIGGER_AGE_MS // HOUR_MS,
        ],
        "what was told (`GET /v1/triggers`)": [TRIGGER_AGE_MS // HOUR_MS, MAX_TOLD],
        "messages that wait for a receiver": [DeliverySettings().max_waiting],
        "messages set aside, of a receiver": [DEAD_LETTER_AGE_MS // DAY_MS, MAX_UNDELIVERED],
        "receivers": [MAX_RECEIVERS],
        "listeners of a server process": [MAX_LISTENERS],
        "users of a batch, batches at once in a server process": [MAX_BATCH_USERS, MAX_BATCHES],
    }
    assert bounds == {what: [f"{n:,}" for n in numbers] for what, numbers in told.items()}


def test_the_hours_of_retries_are_those_of_the_code() -> None:
    hours = [delay // HOUR_MS for delay in DELAYS_MS if delay >= HOUR_MS]
    told = re.search(r"30 min, ([\d, ]+) and (\d+) hours", README)
    assert told is not None
    assert [int(one) for one in (*told[1].split(", "), told[2])] == hours

"""What the README says of receivers and of bounds is so."""

import re
from pathlib import Path

from config.durations import HOUR_MS
from config.keys import MAX_TOLD, MAX_UNDELIVERED
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
    table = README.split("| what | bound | then |")[1]
    for number in (
        MAX_TOLD,
        MAX_UNDELIVERED,
        DeliverySettings().max_waiting,
        MAX_RECEIVERS,
        MAX_LISTENERS,
        MAX_BATCH_USERS,
        MAX_BATCHES,
    ):
        assert re.search(rf"\b{number:,}\b", table), number


def test_the_hours_of_retries_are_those_of_the_code() -> None:
    hours = [delay // HOUR_MS for delay in DELAYS_MS if delay >= HOUR_MS]
    told = re.search(r"30 min, ([\d, ]+) and (\d+) hours", README)
    assert told is not None
    assert [int(one) for one in (*told[1].split(", "), told[2])] == hours

"""Each mistake of a file of triggers is told with its place and what is allowed there."""

import tomllib
from pathlib import Path

import pytest

from config.durations import DAY_MS
from config.mistakes import InvalidFile
from config.placement_checks import read_placements
from config.trigger_checks import Around, read_triggers
from config.trigger_file import read_trigger_tables

STOREFRONT = Path(__file__).parents[2] / "storefront"
AROUND = Around({}, {"paged": "page.type == 'x'"}, 180 * DAY_MS)
EVENT = '[triggers.x]\non = "event"\nevent = "visit"\nchannel = "push"\n'
ABSENCE = '[triggers.x]\non = "absence"\nafter = ["visit"]\nlasting = "1 day"\nchannel = "push"\n'


@pytest.mark.parametrize(
    ("text", "place", "line", "told"),
    [
        ("[triggers.x]\n", "triggers.x", 1, "'absence', 'product', 'forecast'"),
        ('[triggers."a b"]\non = "event"\n', "triggers.a b", 1, "allowed names"),
        (EVENT + "tims = 2\n", "triggers.x.tims", 5, "did you mean times?"),
        (EVENT + "times = 2\n", "triggers.x.times", 5, "allowed with within"),
        (EVENT + 'within = "1 day"\n', "triggers.x.within", 5, "allowed with times"),
        (EVENT + 'unless = ["visit"]\n', "triggers.x.unless", 5, "is what it counts"),
        (EVENT + 'once_in = "7 dayz"\n', "triggers.x.once_in", 5, '"7 days"'),
        (EVENT + 'segments = ["gold"]\n', "triggers.x.segments.0", 5, "no segment of campaigns"),
        (EVENT + 'segments = ["paged"]\n', "triggers.x.segments.0", 5, "'page' is not known"),
        (EVENT + "when = \"session.focus == 'a'\"\n", "triggers.x.when", 5, "session.focus"),
        (EVENT + 'when = "cart.categories"\n', "triggers.x.when", 5, "cart.categories"),
        (EVENT + 'placements = ["hero"]\n', "triggers.x.placements.0", 5, "no placement"),
        (ABSENCE + 'unless = ["visit"]\n', "triggers.x.unless", 6, "begins the wait"),
        (ABSENCE.replace("1 day", "181 days"), "triggers.x.lasting", 4, "user_retention_days"),
        ("[caps]\npush = []\n", "caps.push", 2, "a list of 1 to 5"),
        ('[quiet_hours]\nhours = ["9-8"]\n', "quiet_hours.hours.0", 2, '"22:00-02:00"'),
        (
            '[quiet_hours]\nhours = ["22:00-08:00"]\ntime_zone = "Mars"\n',
            "quiet_hours.time_zone",
            3,
            "Europe/Berlin",
        ),
    ],
)
def test_a_mistake_is_told(text: str, place: str, line: int, told: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        read_triggers(read_trigger_tables(text), AROUND)
    (mistake,) = refused.value.mistakes
    assert (".".join(map(str, mistake.path)), mistake.line) == (place, line)
    assert told in mistake.problem


def test_the_ready_made_triggers_are_without_mistakes() -> None:
    tables = tomllib.loads((STOREFRONT / "placements.toml").read_text(encoding="utf-8"))
    around = Around(read_placements(tables["placements"]), {}, 180 * DAY_MS)
    text = (STOREFRONT / "triggers.toml").read_text(encoding="utf-8")
    triggers = read_triggers(read_trigger_tables(text), around).triggers
    assert {"cart-left", "third-visit", "win-back", "price-drop", "due-again"} <= set(triggers)

"""Files of campaigns: what is read, and how mistakes are told."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from config import mistakes
from config.campaign_checks import read_campaigns
from config.campaigns import MAX_ARMS, MAX_CAP_TIMES, Campaigns
from config.mistakes import InvalidFile
from config.placements import Banner, Content, Offer, Placement, Products
from config.schedules import schedule_of
from config.toml_lines import Path, lines_of
from online_models.users import MAX_CONTACT_TIMES

PLACEMENTS: dict[str, Placement] = {
    "hero": Banner(content=Content(headline="Hello")),
    "exit": Offer(),
    "row": Products(),
}
GOOD = """\
time_zone = "Europe/Berlin"

[segments.gold]
when = "has(user.traits.tier) && user.traits.tier == 'gold'"

[campaigns.hello]
placements = ["hero"]
segments = ["gold"]
ends = 2026-12-24
caps = [{ times = 3, days = 7, channel = "web" }]

[campaigns.hello.variations.a]
headline = "Hello {first_name|there}"
locales.de.headline = "Hallo {first_name|du}"

[campaigns.stay]
placements = ["exit"]
when = "context.trigger == 'exit-intent' && cart.value >= 20.0"
discount_rate = 0.1
budget_per_day = 50
variations.ten.headline = "10 % off"
"""


def read(text: str) -> Campaigns:
    return read_campaigns(text, PLACEMENTS)


def test_a_good_file_is_read() -> None:
    campaigns = read(GOOD)
    hello = campaigns.campaigns["hello"]
    assert hello.ends == datetime(2026, 12, 24, 23, tzinfo=UTC)  # the end of that day in Berlin
    assert hello.variations["a"].texts("de-AT")["headline"] == "Hallo {first_name|du}"
    assert hello.caps[0].channel == "web"
    assert campaigns.offers == {"stay"}
    assert (campaigns.goal_of("hello"), campaigns.goal_of("stay")) == ("click", "margin")


def test_an_empty_file_holds_no_campaigns() -> None:
    assert read("") == Campaigns()


def test_as_many_impressions_may_be_capped_as_are_remembered() -> None:
    assert MAX_CAP_TIMES == MAX_CONTACT_TIMES


HEAD = '[campaigns.x]\nplacements = ["hero"]\nvariations.a.headline = "A"\n'
OFFER = '[campaigns.x]\nplacements = ["exit"]\nvariations.a.headline = "A"\n'


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("x = ", 1, "this is not TOML: "),
        ("\n\n[a\n", 3, "this is not TOML"),
        (
            "x = 1",
            1,
            "x: 'x' is no table of this file; allowed: campaigns, experiments, margin_rate, ",
        ),
        ('time_zone = "Berlin"', 1, "time_zone: 'Berlin' is no time zone"),
        ("campaigns = 1", 1, "campaigns: tables [campaigns.NAME] are allowed"),
        ("[campaigns]\nx = 1", 2, "campaigns.x: a table is allowed here"),
        ("[campaigns.'a b']", 1, "campaigns.a b: allowed names: 1 to 64 letters"),
        (HEAD + "piority = 1", 4, "x.piority: is no field of it (did you mean priority?)"),
        (HEAD + "priority = 101", 4, "allowed: a whole number from -100 to 100"),
        (HEAD + 'choose = "best"', 4, "allowed: 'learned', 'split', 'first'"),
        (HEAD + 'goal = "fame"', 4, "allowed: 'click', 'order', 'margin'"),
        (HEAD + 'days = ["monday"]', 4, "allowed: a list of mon, tue, wed"),
        (HEAD + "caps = [{ times = 17, days = 1 }]", 4, "caps.0.times: Expected `int` <= 16"),
        (HEAD + 'starts = "soon"', 4, "x.starts: 'soon'; allowed: a date such as 2026-12-24"),
        (HEAD + "starts = 2026-12-24\nends = 2026-12-01", 5, "x.ends: not after starts"),
        (HEAD + 'hours = ["9-5"]', 4, "x.hours.0: '9-5'; allowed: like \"09:00-18:00\""),
        (HEAD + 'time_zone = "Mars"', 4, "x.time_zone: 'Mars' is no time zone"),
        (HEAD + 'segments = ["gold"]', 4, "x.segments.0: 'gold' is no segment; allowed: none"),
        (HEAD + 'when = "user.agee > 3"', 4, "user.agee is not known; allowed: bought, brands"),
        (HEAD + 'when = "product.price > 3"', 4, "'product' is not known; allowed: user, session"),
        (HEAD + 'when = "cart.value >"', 4, "x.when: at 13 of 'cart.value >'"),
        (HEAD + "discount_rate = 0.1", 4, "allowed: in campaigns whose placements are offers"),
        (HEAD + "variations.a.weight = 2", 4, 'allowed: with choose = "split"'),
        (HEAD + 'variations.b.text = "no"', 4, "variations.b: Object missing required field"),
        (HEAD + 'variations.b.headline = "{x|}"', 4, "headline: {x|} is no field; allowed: first"),
        (
            HEAD + 'variations.a.locales.de.headline = "{city}"',
            4,
            "variations.a.locales.de.headline: {city}: say what is shown",
        ),
        (HEAD.replace("hero", "row"), 2, "'row' is no placement of banners or offers; allowed: "),
        (HEAD.replace('"hero"', '"hero", "exit"'), 2, "allowed: all of banners, or all of offers"),
        (OFFER + "holdout_rate = 0.9", 4, "allowed: a number from 0 to 0.5"),
        (OFFER + "budget_per_day = 0", 4, "allowed: a number above 0"),
        (
            HEAD + HEAD.replace(".x", ".y") + 'goal = "order"',
            7,
            "'order', but 'x' learns towards 'click' in placement 'hero'; allowed: the same goal",
        ),
        (HEAD + "ends = 9999-12-31", 4, "x.ends: 9999-12-31; allowed: up to 9999-12-30, or no end"),
        (HEAD + f"priority = 1{'0' * 5000}", 4, "this cannot be read: "),
        (HEAD + f"priority = {'[' * 5000}", 4, "this cannot be read: "),
        ("[segments.s]\nwhen = '1'", 2, "segments.s.when: this is always 1; allowed: what is true"),
        ("[segments.s]\nwhen = 3", 2, "segments.s.when: Expected `str`"),
        ("[segments.s]\nwhen = 'foo()'", 2, "segments.s.when: foo() is not known"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_allowed(
    text: str, line: int, problem: str
) -> None:
    with pytest.raises(InvalidFile) as raised:
        read(text)
    mistake = raised.value.mistakes[0]
    assert problem in str(mistake)
    assert mistake.line == line


def test_all_mistakes_of_a_file_are_told_in_the_order_of_their_lines() -> None:
    text = HEAD + "priority = 1.5\n" + OFFER.replace(".x", ".y") + "holdout_rate = 2\n[z]\n"
    with pytest.raises(InvalidFile) as raised:
        read(text)
    assert [mistake.line for mistake in raised.value.mistakes] == [4, 8, 9]


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("0001-01-01", "9999-12-30"),
        ("0001-01-01T00:00:00", "9999-12-31T23:59:59"),
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"),
    ],
)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_from_the_first_day_to_the_last_is_always(zone: str, starts: str, ends: str) -> None:
    campaign = read(f"{HEAD}time_zone = '{zone}'\nstarts = {starts}\nends = {ends}").campaigns["x"]
    assert schedule_of(campaign.starts, campaign.ends, (), (), zone).is_open(1_700_000_000_000)


def test_bytes_that_are_no_text_are_told_with_their_line() -> None:
    with pytest.raises(InvalidFile) as raised:
        read_campaigns(b'a = 1\nb = "\xff"\n', PLACEMENTS)
    assert str(raised.value) == "line 2: this is not UTF-8: invalid start byte"


def test_what_names_a_table_that_cannot_be_read_is_no_mistake() -> None:
    text = (
        f"{HEAD}priority = 1.5\n"
        f'{HEAD.replace(".x", ".y")}segments = ["s"]\n'
        "[segments.s]\nwhen = 1\n"
        '[experiments.e]\nvariations = [{ name = "a" }, { name = "b", campaigns = ["x"] }]\n'
    )
    with pytest.raises(InvalidFile) as raised:
        read(text)
    assert [mistake.path for mistake in raised.value.mistakes] == [
        ("campaigns", "x", "priority"),
        ("segments", "s", "when"),
    ]


def test_lines_are_looked_for_once_for_all_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    def counted(text: str) -> Mapping[Path, int]:
        texts.append(text)
        return lines_of(text)

    monkeypatch.setattr(mistakes, "lines_of", counted)
    text = "".join(f"[campaigns.c{number}]\n" for number in range(9))
    with pytest.raises(InvalidFile) as raised:
        read(text)
    assert [one.line for one in raised.value.mistakes] == [*range(1, 10)]
    assert texts == [text]
    assert read("") == Campaigns()
    assert texts == [text]


def test_each_broken_experiment_is_told_with_its_line() -> None:
    variations = 'variations = [{ name = "a" }, { name = "b" }]\n'
    text = (
        f"[experiments.one]\n{variations}coverage = 2\n"
        f"[experiments.good]\n{variations}"
        f"[experiments.two]\n{variations}\nweights = [1.0]\n"
    )
    with pytest.raises(InvalidFile) as raised:
        read(text)
    places = [(mistake.path[:2], mistake.line) for mistake in raised.value.mistakes]
    assert places == [(("experiments", "one"), 3), (("experiments", "two"), 9)]


def many_arms(choose: str, n_campaigns: int) -> str:
    """Return campaigns of sixteen variations each, on a line each."""
    variations = ", ".join(f'v{number} = {{ headline = "A" }}' for number in range(16))
    return "".join(
        f'campaigns.c{number} = {{ placements = ["hero"], choose = "{choose}", '
        f"variations = {{ {variations} }} }}\n"
        for number in range(n_campaigns)
    )


def test_no_more_variations_are_learned_in_a_placement_than_a_policy_keeps() -> None:
    assert len(read(many_arms("learned", MAX_ARMS // 16)).campaigns) == MAX_ARMS // 16
    assert len(read(many_arms("split", 9)).campaigns) == 9
    with pytest.raises(InvalidFile) as raised:
        read(many_arms("learned", MAX_ARMS // 16 + 2))
    [mistake] = raised.value.mistakes
    assert mistake.line == MAX_ARMS // 16 + 1
    assert "beyond the 64 variations that are learned in 'hero'; allowed" in mistake.problem


def under_test(policy: str) -> str:
    """Return campaigns of two goals that nothing learns, and an experiment with a policy."""
    x = HEAD + 'choose = "split"\n'
    return (
        f'{x}{x.replace(".x", ".y")}goal = "order"\n[experiments.e]\nvariations = '
        f'[{{ name = "a" }}, {{ name = "b", policy = {{ hero = "{policy}" }} }}]\n'
    )


@pytest.mark.parametrize("policy", ["learned", "random"])
def test_what_an_experiment_puts_to_learning_has_one_goal(policy: str) -> None:
    with pytest.raises(InvalidFile) as raised:
        read(under_test(policy))
    [mistake] = raised.value.mistakes
    assert (mistake.line, mistake.path) == (9, ("campaigns", "y", "goal"))
    assert len(read(under_test("first")).campaigns) == 2


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e400"])
def test_numbers_that_are_none_are_refused(value: Any) -> None:
    for field in ("discount_rate", "budget_per_day", "margin_rate", "order_hours", "cooldown_days"):
        with pytest.raises(InvalidFile):
            read(f"{OFFER}{field} = {value}")

from typing import Any

from config.experiments import Attribute, Experiments, assign
from online_models.users import Exposure, UserState
from serving.asking import Asker
from serving.assigning import NO_EXPERIMENTS, Assigned, assigned_to
from serving.schemas import Request
from tests.builders import read_experiments
from tests.serving.builders import IDS, NOW

VARIATIONS: list[dict[str, Any]] = [
    {"name": "control", "campaigns": ["old"]},
    {
        "name": "new",
        "campaigns": ["young"],
        "strategy": {"row": "trending"},
        "policy": {"hero": "random"},
    },
]
ANN, COOKIE = IDS.known("ann"), IDS.anonymous("cookie-1")


def experiments(**fields: Any) -> Experiments:
    return read_experiments({"hero": {"variations": VARIATIONS} | fields})


def asked(
    of: Experiments,
    *,
    known: bool = False,
    user: UserState | None = None,
    is_granted: bool = True,
    **fields: Any,
) -> Assigned:
    plain = {"placements": ["row"], "user_id": "ann", "anonymous_id": "cookie-1"}
    request = Request(**(plain | fields))
    asker = Asker(ANN if known else None, COOKIE, trusted=False)
    return assigned_to(
        request,
        asker,
        user,
        of,
        dict.fromkeys(("row", "side"), frozenset({"old", "young"})),
        is_granted=is_granted,
    )


def drawn(of: Experiments, **ids: str) -> str:
    attributes: dict[Attribute, str] = ids  # type: ignore[assignment]
    [(_, variation)] = assign(of, attributes)
    return variation


def shown(variation: str) -> UserState:
    exposures = [Exposure("hero", variation, NOW)]
    return UserState(latest_at=NOW, first_at=NOW, received_at=NOW, exposures=exposures)


def test_the_id_is_hashed_as_the_shop_spells_it() -> None:
    for number in range(20):
        found = asked(experiments(), anonymous_id=number)
        assert found.counted == (("hero", drawn(experiments(), anonymousId=str(number))),)


def test_a_login_leaves_a_browser_where_it_is() -> None:
    assert asked(experiments(), known=True) == asked(experiments(), known=False)


def test_a_customer_counts_only_where_somebody_vouches() -> None:
    of_customers = experiments(hash_attribute="userId")
    assert asked(of_customers, known=False).counted == ()
    found = asked(of_customers, known=True)
    assert found.counted == (("hero", drawn(of_customers, userId="ann")),)


def test_what_was_shown_on_another_device_lasts() -> None:
    for variation in ("control", "new"):
        found = asked(experiments(), user=shown(variation))
        assert found.counted == (("hero", variation),)


def test_a_variation_changes_all_that_it_names() -> None:
    assert asked(experiments(), user=shown("new")) == Assigned(
        counted=(("hero", "new"),),
        seen={"hero": "new"},
        barred=frozenset(["old"]),
        strategies={"row": "trending"},
        policies={"hero": "random"},
    )


def test_without_consent_one_is_nobody_and_sees_the_control() -> None:
    found = asked(experiments(), user=shown("new"), is_granted=False)
    assert found == Assigned(seen={"hero": ""}, barred=frozenset(["young"]))


def test_without_an_id_one_is_nobody() -> None:
    assert asked(experiments(), user_id=None, anonymous_id=" ").counted == ()


def test_what_has_no_say_in_the_placements_is_not_counted() -> None:
    found = asked(experiments(), placements=["side"], user=shown("new"))
    assert found.counted == (("hero", "new"),)  # its campaigns stand there
    of_row = [{"name": "a"}, {"name": "b", "strategy": {"row": "trending"}}]
    bare = read_experiments({"hero": {"variations": of_row}})
    assert asked(bare, placements=["side"]).counted == ()
    assert len(asked(bare, placements=["row"]).counted) == 1


def test_without_experiments_nothing_is_worked_out() -> None:
    assert asked({}) is NO_EXPERIMENTS

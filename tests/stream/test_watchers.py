from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
import redis
from prometheus_client import CollectorRegistry

from config.events import (
    ENTRY_FIELD,
    ConsentRefused,
    Entry,
    Erase,
    ProductsChanged,
    Tick,
    decode_entry,
)
from config.keys import Subject
from config.log_ids import log_id
from config.product_changes import CHANGES_FIELD, ProductChange, encode_changes, product_mark
from config.trigger_checks import Around, read_triggers
from config.trigger_file import read_trigger_tables
from online_models.users import UserState, decode_user
from stream.batch import Rules
from stream.commands import Command
from stream.forwarding import forward
from stream.metrics import StreamMetrics
from stream.transactions import Transactions
from stream.trigger_rules import made_ready
from stream.watchers import (
    ENTRIES_A_TURN,
    WATCHERS_A_PORTION,
    Announcing,
    Filter,
    read_filter,
    read_portion,
)
from stream.watching import Watch, digest_of_member, members, score_of, watch_of, watched_by
from tests.builders import DAY, HOUR, IDS, MINUTE, NOON, an_event, an_identify
from tests.stream import owners
from tests.stream.owners import ANN, KEYS, SHARD, append, fields_of

DROP = ProductChange("boots", 100.0, 80.0, None, None)
CARTED = "Product Added"
WATCHING = """
[triggers.drop]
on = "product"
change = "price_drop"
channel = "push"
consent = "none"
"""
RULES = Rules(
    triggers=made_ready(read_triggers(read_trigger_tables(WATCHING), Around({}, {}, 180 * DAY)))
)


class Owner(owners.Owner):
    """A worker with a trigger that changes of products set off."""

    def __init__(
        self, client: redis.Redis, shard: int = SHARD, transactions: Transactions | None = None
    ) -> None:
        super().__init__(client, shard, transactions=transactions, rules=RULES)


def change(client: redis.Redis, *changes: ProductChange, at: int = NOON + HOUR) -> str:
    """Put changes into the stream, as the catalog's writer does; return their version."""
    fields: dict[Any, Any] = {CHANGES_FIELD: encode_changes(list(changes))}
    version: Any = client.xadd(KEYS.product_changes(), fields, id=f"{at}-*")
    return str(version.decode())


def announce(client: redis.Redis, until: str, at: int = NOON + HOUR) -> None:
    append(client, ProductsChanged(until, at))


def index_of(client: redis.Redis, shard: int = SHARD) -> dict[bytes, float]:
    found: Any = client.zrange(KEYS.watchers(shard), 0, -1, withscores=True)
    return dict(found)


def states_say(client: redis.Redis, shard: int = SHARD) -> set[bytes]:
    """Return the members that the index must have, by the states alone."""
    expected = set()
    prefix = KEYS.user(shard, "")
    keys: Any = client.keys(prefix.replace("{", "[{]") + "*")
    for key in keys:
        value: Any = client.get(key)
        watched = watched_by(decode_user(value))
        new, _ = members(key.decode().removeprefix(prefix), ([], []), watched)
        expected |= set(new)
    return expected


def test_who_viewed_or_carted_a_product_hears_of_its_change_once(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    append(redis_client, an_event(CARTED, product_id="hat"))
    owner.go()
    version = change(redis_client, DROP, ProductChange("hat", 9.0, 8.0, 0, 3))
    announce(redis_client, version)
    announce(redis_client, version)
    report = owner.go()
    announce(redis_client, version)

    assert report.results["product", "concerned"] == 2
    assert owner.go().results["product", "concerned"] == 0
    assert owner.commit().products == version


def test_an_entry_before_the_announcement_in_the_same_batch_counts(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    version = change(redis_client, DROP)
    append(redis_client, an_event())
    announce(redis_client, version)
    append(redis_client, an_event(product_id="hat"))

    report = owner.go()

    assert report.results["product", "concerned"] == 1
    assert (report.n_entries, owner.n_events()) == (3, 2)


@pytest.mark.parametrize(
    "then",
    [
        an_event("Order Completed", at=NOON + 1, products=[{"product_id": "boots"}]),
        ConsentRefused(NOON + 1, NOON + 1),
        Erase(NOON + 1),
        an_event(at=NOON + 2 * HOUR),  # sees the new price
    ],
    ids=["bought", "refused", "erased", "viewed again since"],
)
def test_whom_a_change_does_not_concern_any_more(redis_client: redis.Redis, then: Entry) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    append(redis_client, then, ANN.digest)
    owner.go()
    announce(redis_client, change(redis_client, DROP))

    assert owner.go().results["product", "concerned"] == 0


def test_who_refused_and_who_is_erased_leave_the_index(redis_client: redis.Redis) -> None:
    owner, bob = Owner(redis_client), IDS.known("bob").digest
    for digest, user in ((ANN.digest, "ann"), (bob, "bob")):
        append(redis_client, an_event(user=user), digest)
    owner.go()
    assert len(index_of(redis_client)) == 2
    append(redis_client, ConsentRefused(NOON + 1, NOON + 1), ANN.digest)
    append(redis_client, Erase(NOON + 1), bob)
    owner.go()

    assert index_of(redis_client) == {}


def test_who_is_erased_leaves_the_index_though_the_state_cannot_be_read(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    append(redis_client, an_event(user="bob"), IDS.known("bob").digest)
    owner.go()
    redis_client.set(KEYS.user(SHARD, ANN.digest), b"\x01broken")
    later = Owner(redis_client)
    append(redis_client, Erase(NOON + 1), ANN.digest)
    later.go()

    assert [digest_of_member(m) for m in index_of(redis_client)] == [IDS.known("bob").digest]


def test_who_stays_away_for_the_retention_leaves_index_and_state(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    owner.go()
    append(redis_client, Tick(NOON + Rules().retention_ms + 1))
    owner.go()

    assert index_of(redis_client) == {}
    assert owner.user() is None
    assert redis_client.zcard(KEYS.timers(SHARD)) == 0


def test_a_visitor_who_turns_out_to_be_known_is_told_as_known(redis_client: redis.Redis) -> None:
    workers = [Owner(redis_client, shard) for shard in range(IDS.n_shards)]
    phone = IDS.anonymous("phone")
    append(redis_client, an_event(user=None, anonymous="phone"), shard=phone.shard)
    append(redis_client, an_identify("ann", "phone"))
    settle(redis_client, workers)

    found = {shard: index_of(redis_client, shard) for shard in range(IDS.n_shards)}
    assert [digest_of_member(m) for index in found.values() for m in index] == [ANN.digest]


def settle(client: redis.Redis, workers: Sequence[Owner]) -> None:
    """Apply and forward until nothing is left to do."""
    while sum(owner.go().is_committed for owner in workers):
        for shard in range(IDS.n_shards):
            forward(client, KEYS, shard)


@pytest.mark.parametrize("seed", range(3))
def test_the_index_says_what_the_states_say_whatever_happens(
    redis_client: redis.Redis, seed: int
) -> None:
    rng = Random(seed)
    workers = [Owner(redis_client, shard) for shard in range(IDS.n_shards)]
    for _ in range(150):
        entry, subject = something(rng)
        append(redis_client, entry, subject.digest, subject.shard)
        if rng.random() < 0.03:
            settle(redis_client, workers)
        if rng.random() < 0.03:
            shard = rng.randrange(IDS.n_shards)
            workers[shard] = Owner(redis_client, shard)
    settle(redis_client, workers)

    n_members = 0
    for shard in range(IDS.n_shards):
        index = index_of(redis_client, shard)
        assert set(index) == states_say(redis_client, shard)
        assert all(score == int.from_bytes(m[-6:], "big") for m, score in index.items())
        n_members += len(index)
    assert n_members > 20


def something(rng: Random) -> tuple[Entry, Subject]:
    """Return anything that changes what a user watches, and whom it is about."""
    user, browser = rng.choice(["ann", "bob", "cas"]), rng.choice(["phone", "tablet"])
    at = NOON + rng.randrange(60) * MINUTE
    product, received_at = f"p{rng.randrange(60)}", NOON + HOUR
    kinds = ["view", "cart", "visitor", "identify", "refuse", "erase"]
    [kind] = rng.choices(kinds, [9, 3, 6, 1, 1, 1])
    match kind:
        case "visitor":
            event = an_event(
                user=None, anonymous=browser, at=at, received_at=received_at, product_id=product
            )
            return event, IDS.anonymous(browser)
        case "identify":
            return an_identify(user, browser, at=at, received_at=received_at), IDS.known(user)
        case "refuse":
            return ConsentRefused(at, received_at), IDS.known(user)
        case "erase":
            return Erase(received_at, suppress=False), IDS.known(user)
    name = CARTED if kind == "cart" else "Product Viewed"
    consent = {"consent": True} if rng.random() < 0.5 else {}
    event = an_event(
        name, user=user, at=at, received_at=received_at, product_id=product, context=consent
    )
    return event, IDS.known(user)


def many_changes(client: redis.Redis) -> tuple[str, int]:
    """Let Ann's neighbours view 20 of 2,000 products, all of which then become cheaper.

    Return the last version, and how many users each of the 20 concerns.
    """
    names = [f"u{n}" for n in range(400) if IDS.known(f"u{n}").shard == SHARD]
    for name in names:
        for product in range(0, 2_000, 100):
            event = an_event(user=name, product_id=f"p{product}")
            append(client, event, IDS.known(name).digest)
    drain(Owner(client))
    changes = [ProductChange(f"p{n}", 10.0, 9.0, None, None) for n in range(2_000)]
    versions = [change(client, *changes[start : start + 200]) for start in range(0, 2_000, 200)]
    return versions[-1], len(names)


def drain(owner: Owner) -> Counter[tuple[str, str]]:
    results = Counter[tuple[str, str]]()
    while (report := owner.go()).is_committed:
        results += report.results
    return results


def test_portions_name_each_change_and_watcher_once_and_in_order(
    redis_client: redis.Redis,
) -> None:
    last, n_users = many_changes(redis_client)
    transactions = Transactions(redis_client)
    after, told, is_last = "0-0", [], False
    while not is_last:
        watched = read_filter(transactions, KEYS, SHARD)
        portion = read_portion(transactions, KEYS, SHARD, after, last, watched, RULES.triggers)
        n_told = sum(len(changed.digests) for changed in portion.changed)
        assert n_told <= WATCHERS_A_PORTION
        told += [
            (log_id(changed.version), changed.change.product_id, digest)
            for changed in portion.changed
            for digest in changed.digests
        ]
        after, is_last = portion.until, portion.is_last

    assert after == last
    assert len(told) == len(set(told)) == 20 * n_users
    assert [version for version, _, _ in told] == sorted(version for version, _, _ in told)


class Dying(Transactions):
    """Dies after one commit, as a worker does that is killed before it takes note of it."""

    def execute(self, commands: Sequence[Command]) -> None:
        super().execute(commands)
        raise KeyboardInterrupt


def test_kills_between_portions_repeat_and_lose_nothing(redis_client: redis.Redis) -> None:
    last, _ = many_changes(redis_client)
    announce(redis_client, last)
    append(redis_client, an_event())
    versions = ["0-0"]
    while Owner(redis_client).commit().products != last:
        dying = Owner(redis_client, transactions=Dying(redis_client))
        with pytest.raises(KeyboardInterrupt):
            dying.go()
        versions.append(dying.commit().products)

    assert len(versions) > 2
    assert versions == sorted(set(versions), key=log_id)  # each commit went on where one ended
    assert drain(Owner(redis_client))["product", "concerned"] == 0
    assert Owner(redis_client).n_events() == 1


def test_all_watchers_of_many_changes_are_concerned(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.watchers._READ_AT_ONCE", 7)
    last, n_users = many_changes(redis_client)
    announce(redis_client, last)

    assert drain(Owner(redis_client))["product", "concerned"] == 20 * n_users


def test_another_owner_between_reading_and_committing_makes_changes_be_read_again(
    redis_client: redis.Redis,
) -> None:
    append(redis_client, an_event())
    drain(Owner(redis_client))
    announce(redis_client, change(redis_client, DROP))
    quick = Owner(redis_client)
    slow = Owner(redis_client, transactions=Overtaken(redis_client, quick.go))

    report = slow.go()

    assert (report.n_conflicts, report.results["product", "concerned"]) == (1, 0)


class Overtaken(Transactions):
    """Lets something happen once before it commits."""

    def __init__(self, client: redis.Redis, before: Callable[[], object]) -> None:
        super().__init__(client)
        self._before: Callable[[], object] | None = before

    def execute(self, commands: Sequence[Command]) -> None:
        before, self._before = self._before, None
        if before is not None:
            before()
        super().execute(commands)


def test_owned_shards_are_told_once_and_so_many_changes_a_turn(redis_client: redis.Redis) -> None:
    announcing = Announcing(redis_client, KEYS)
    assert announcing.step({0, 1}, NOON) == 0  # nothing has changed yet
    versions = [change(redis_client, DROP, at=NOON + n) for n in range(ENTRIES_A_TURN + 1)]

    assert [announcing.step({0, 1}, NOON) for _ in range(3)] == [2, 2, 0]
    told = [decode_entry(fields[ENTRY_FIELD]) for fields in fields_of(redis_client, KEYS.events(0))]
    assert told == [ProductsChanged(version, NOON) for version in versions[-2:]]


def test_a_shard_that_is_gained_goes_on_where_its_commit_stands(
    redis_client: redis.Redis,
) -> None:
    announce(redis_client, change(redis_client, DROP))
    drain(Owner(redis_client))
    announcing = Announcing(redis_client, KEYS)
    assert announcing.step({SHARD}, NOON) == 0
    version = change(redis_client, DROP, at=NOON + DAY)
    assert announcing.step({SHARD}, NOON) == 1

    drain(Owner(redis_client))
    assert Owner(redis_client).commit().products == version


def test_nothing_is_announced_while_an_import_brings_its_own_times(
    redis_client: redis.Redis,
) -> None:
    change(redis_client, DROP)
    redis_client.set(KEYS.import_hold(), 1)
    assert Announcing(redis_client, KEYS).step({SHARD}, NOON) == 0


def test_changes_that_cannot_be_read_do_not_hold_up_others(redis_client: redis.Redis) -> None:
    append(redis_client, an_event())
    redis_client.xadd(KEYS.product_changes(), {CHANGES_FIELD: b"?"}, id=f"{NOON}-0")
    announce(redis_client, change(redis_client, DROP))

    assert drain(Owner(redis_client))["product", "concerned"] == 1


def test_changes_that_are_gone_by_age_are_passed_over(redis_client: redis.Redis) -> None:
    append(redis_client, an_event())
    version = change(redis_client, DROP)
    announce(redis_client, version)
    redis_client.delete(KEYS.product_changes())
    owner = Owner(redis_client)
    owner.go()

    assert owner.commit().products == version


def test_who_comes_after_a_first_change_hears_of_the_next(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    announce(redis_client, change(redis_client, DROP))
    owner.go()
    append(redis_client, an_event())
    owner.go()
    announce(redis_client, change(redis_client, DROP, at=NOON + 2 * HOUR))

    assert owner.go().results["product", "concerned"] == 1


def test_a_filter_never_says_no_of_what_is_watched_and_mostly_no_of_others() -> None:
    members = [bytes(16) + product_mark(f"p{n}") for n in range(10_000)]
    watched = Filter(members[:5_000])
    assert all(watched.may_hold(score_of(member)) for member in members[:5_000])
    assert sum(watched.may_hold(score_of(member)) for member in members[5_000:]) < 100


def test_a_watch_is_of_views_and_carts_before_the_change_and_after_the_last_order() -> None:
    state = UserState(0, 0, 0)
    state.viewed, state.carted = [(9, "boots"), (3, "hat")], [(4, "boots"), (6, "hat")]
    state.bought = [(5, "boots"), (5, "hat")]

    assert watch_of(state, "boots", before=10) == Watch(9, -1)
    assert watch_of(state, "boots", before=9) is None
    assert watch_of(state, "hat", before=10) == Watch(-1, 6)
    assert watch_of(state, "cap", before=10) is None


def test_who_cannot_be_read_costs_others_no_change(redis_client: redis.Redis) -> None:
    bob = IDS.known("bob").digest
    for digest, user in ((ANN.digest, "ann"), (bob, "bob")):
        append(redis_client, an_event(user=user), digest)
    Owner(redis_client).go()
    redis_client.set(KEYS.user(SHARD, ANN.digest), b"\x01broken")
    announce(redis_client, change(redis_client, DROP))
    report = Owner(redis_client).go()

    assert (report.dead, report.fired["drop"]) == ([], 1)
    assert report.results["product", "unreadable"] == 1


def test_an_announcement_that_is_set_aside_does_not_hold_up_the_next(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(redis_client, an_event())
    Owner(redis_client).go()
    version = change(redis_client, DROP)
    announce(redis_client, version)
    with monkeypatch.context() as patched:
        patched.setattr("stream.journal.take_change", None)
        report = Owner(redis_client).go()
    assert (len(report.dead), Owner(redis_client).commit().products) == (1, version)
    announce(redis_client, change(redis_client, DROP, at=NOON + 2 * HOUR))

    assert Owner(redis_client).go().fired["drop"] == 1


def test_each_portion_is_a_batch_of_its_own_and_the_rest_is_read_again(
    redis_client: redis.Redis,
) -> None:
    last, _ = many_changes(redis_client)
    announce(redis_client, last)
    append(redis_client, an_event())
    owner = Owner(redis_client)
    metrics = StreamMetrics(CollectorRegistry())
    reports = []
    while (report := owner.go()).is_committed:
        metrics.take(report, NOON)
        reports.append(report)

    assert len(reports) > 1
    assert [report.n_entries for report in reports] == [*([0] * (len(reports) - 1)), 2]
    assert sum(report.n_gaps for report in reports) == 0
    # Of an owner that another took over from, the rest may be committed already.
    assert all(report.oldest_id for report in reports)


def test_whom_a_product_has_too_many_watchers_for_is_counted(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.watchers.MAX_WATCHERS", 1)
    for name in ("ann", "bob", "cas"):
        append(redis_client, an_event(user=name), IDS.known(name).digest)
    drain(Owner(redis_client))
    announce(redis_client, change(redis_client, DROP))
    results = Owner(redis_client).go().results

    assert (results["product", "concerned"], results["product", "cut"]) == (1, 2)


def test_without_a_trigger_of_products_changes_are_passed_over(redis_client: redis.Redis) -> None:
    append(redis_client, an_event())
    version = change(redis_client, DROP)
    announce(redis_client, version)
    owner = owners.Owner(redis_client)

    assert owner.go().results["product", "concerned"] == 0
    assert owner.commit().products == version

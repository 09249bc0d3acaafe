"""A verdict sees what is lost, what is repeated, and one changed byte."""

from dataclasses import replace

from config.keys import Ids, Keys
from loadtest.settled import Stored
from loadtest.verdict import Verdict, compare
from loadtest.workload import Workload, chaos_workload, synthetic_history
from online_models.users import UserState, encode_user

IDS, KEYS = Ids(b"s" * 32, 8), Keys("shop")
WORKLOAD = chaos_workload(synthetic_history(300, 1), IDS, 1)
SENT = {timed.event["messageId"] for phase in WORKLOAD.phases for timed in phase.events}


def key_of(user: str) -> bytes:
    return KEYS.user(*IDS.known(user)).encode()


def state(n_events: int) -> bytes:
    return encode_user(UserState(latest_at=1, first_at=1, received_at=1, n_events=n_events))


def everything(workload: Workload) -> Stored:
    users = {key_of(user): state(n_events) for user, n_events in workload.expected.items()}
    return Stored(users, {0: [(b"ann", 5.0)]}, {0: [b"ann-hat"]})


def judge(found: Stored, accepted: set[str] = SENT) -> Verdict:
    return compare(WORKLOAD, accepted, found, everything(WORKLOAD), IDS, KEYS)


def with_count(user: str, extra: int) -> Stored:
    whole = everything(WORKLOAD)
    return replace(
        whole, users=whole.users | {key_of(user): state(WORKLOAD.expected[user] + extra)}
    )


def test_the_same_state_is_equal_with_nothing_lost_or_repeated() -> None:
    verdict = judge(everything(WORKLOAD))
    assert (verdict.lost, verdict.repeated, verdict.state_equal) == (0, 0, True)


def test_an_effect_that_is_repeated_is_counted() -> None:
    verdict = judge(with_count("user-0", 2))
    assert (verdict.lost, verdict.repeated, verdict.state_equal) == (0, 2, False)


def test_a_loss_is_not_made_up_for_by_a_repetition() -> None:
    found = with_count("user-0", -1)
    found.users[key_of("user-1")] = state(WORKLOAD.expected["user-1"] + 1)
    verdict = judge(found)
    assert (verdict.lost, verdict.repeated) == (1, 1)


def test_a_user_who_is_gone_has_lost_all_events() -> None:
    found = everything(WORKLOAD)
    del found.users[key_of("user-0")]
    assert judge(found).lost == WORKLOAD.expected["user-0"]


def test_an_event_that_was_never_accepted_is_lost() -> None:
    assert judge(everything(WORKLOAD), SENT - {"synthetic-7"}).lost == 1


def test_other_watchers_are_another_state() -> None:
    found = replace(everything(WORKLOAD), watchers={0: []})
    verdict = judge(found)
    assert not verdict.state_equal
    assert verdict.first_difference.startswith("shard 0")


def test_other_timers_are_another_state() -> None:
    found = replace(everything(WORKLOAD), timers={0: [(b"ann", 6.0)]})
    verdict = judge(found)
    assert not verdict.state_equal
    assert verdict.first_difference.startswith("timers of shard 0")

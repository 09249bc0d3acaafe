"""What became of firings is told rightly, also where it went wrong."""

from random import Random

from loadtest.receiver import Received, read_received, received
from loadtest.trigger_chaos import reasons_of
from loadtest.trigger_verdict import Reason, TriggerVerdict, judge

REASONS = [Reason("ann", 1), Reason("ann", 2), Reason("bob", 1)]


def told(reason: Reason, told_id: str = "", digest: str = "x") -> Received:
    return Received(told_id or reason.product, reason.user, reason.product, digest)


def test_all_told_in_order_is_well_also_where_some_came_again() -> None:
    verdict = judge(REASONS, [told(one) for one in (*REASONS, REASONS[0])])
    assert verdict == TriggerVerdict(0, 0, 0, 1, "")


def test_what_was_not_told_is_missing() -> None:
    verdict = judge(REASONS, [told(one) for one in REASONS[:2]])
    assert (verdict.missing, verdict.first_difference) == (1, str(REASONS[2]))


def test_one_id_for_two_bodies_is_repeated() -> None:
    messages = [told(one) for one in REASONS]
    assert judge(REASONS, [*messages, told(REASONS[0], digest="y")]).repeated_ids == 1


def test_two_ids_for_one_reason_are_repeated() -> None:
    messages = [told(one) for one in REASONS]
    assert judge(REASONS, [*messages, told(REASONS[0], "other")]).repeated_ids == 1


def test_what_nobody_fired_is_told_of() -> None:
    messages = [told(one) for one in (*REASONS, Reason("carl", 1))]
    assert judge(REASONS, messages).repeated_ids == 1


def test_order_counts_as_of_first_delivery() -> None:
    first, second, other = map(told, REASONS)
    assert judge(REASONS, [second, other, first]).out_of_order == 1
    assert judge(REASONS, [first, second, first, other]).out_of_order == 0


def test_a_line_that_a_kill_cut_off_does_not_count() -> None:
    assert read_received('["a","u","p","d"]\n["b","u"') == [Received("a", "u", "p", "d")]


def test_a_receiver_writes_down_whom_a_message_is_about() -> None:
    body = b'{"data":{"userId":"ann","productIds":["boots","hat"]}}'
    assert received("m-1", body)[:3] == ("m-1", "ann", "boots")


def test_each_users_reasons_come_in_order() -> None:
    reasons = reasons_of(100, Random(1))
    assert len(set(reasons)) == 100
    for user in {reason.user for reason in reasons}:
        assert [r.number for r in reasons if r.user == user] == list(range(1, 11))

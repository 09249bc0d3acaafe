"""Pure: whether a complete reason is told now, held, or dropped, and why."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from online_models.expected import Wait
from online_models.users import UserState
from stream.trigger_facts import Customer
from stream.trigger_rules import InForce, Rule
from stream.waits import is_resting


class Verdict(StrEnum):
    """What becomes of a complete reason; the closed set of its ``result`` label."""

    FIRED = "fired"
    HELD = "held"  # until quiet hours are over
    REFUSED = "refused"  # the user wants no personalization
    NOBODY = "nobody"  # no user id, and the trigger speaks to known customers alone
    NO_CONSENT = "no_consent"  # to marketing
    UNMET = "unmet"  # its condition, or none of its segments
    GONE = "gone"  # the reason
    LATE = "late"
    RESTING = "resting"  # fired within ``once_in``
    QUIET = "quiet"  # skipped in quiet hours
    CAPPED = "capped"


# Who somebody is may change: an event trigger asks again with the next such event.
ABOUT_WHO = frozenset([Verdict.REFUSED, Verdict.NOBODY, Verdict.NO_CONSENT, Verdict.UNMET])


class Moment(NamedTuple):
    """When a reason was complete, and what time it is now (ms, by the shard's clock)."""

    due_at: int
    now: int


def verdict(
    rule: Rule, state: UserState, wait: Wait, moment: Moment, customer: Customer, in_force: InForce
) -> Verdict:
    """Return what becomes of a complete reason."""
    against = next(all_against(rule, state, wait, moment, customer, in_force), None)
    return Verdict.FIRED if against is None else against


def all_against(
    rule: Rule, state: UserState, wait: Wait, moment: Moment, customer: Customer, in_force: InForce
) -> Iterator[Verdict]:
    """Yield all that stands against telling now; conditions, which take longest, among the last."""
    now = moment.now
    if state.consent is not None and not state.consent[1]:
        yield Verdict.REFUSED
    if state.user_id is None and not (rule.trigger.anonymous and state.anonymous_ids):
        yield Verdict.NOBODY
    if rule.trigger.consent == "marketing" and not (state.marketing and state.marketing[1]):
        yield Verdict.NO_CONSENT
    if is_resting(wait, rule, moment.due_at):
        yield Verdict.RESTING
    if rule.trigger.late == "drop" and now - moment.due_at > rule.valid_ms:
        yield Verdict.LATE
    if not customer.meets(rule):
        yield Verdict.UNMET
    if rule.quiet != "ignore" and in_force.quiet.until(time_zone_of(state), now) is not None:
        yield Verdict.HELD if rule.quiet == "hold" else Verdict.QUIET
    if _is_capped(rule, state, now, in_force):
        yield Verdict.CAPPED


def time_zone_of(state: UserState) -> str:
    """Return what the user's devices call their time zone, "" where none said it."""
    told = state.context.get("timezone")
    return told[1] if told is not None and isinstance(told[1], str) else ""


def _is_capped(rule: Rule, state: UserState, now: int, in_force: InForce) -> bool:
    channel = rule.trigger.channel
    caps = in_force.caps.get(channel)
    if caps is None or not state.told:
        return False
    told = [at for at, one in state.told if one == channel]  # latest first
    for times, within_ms in caps:
        if len(told) >= times and now - told[times - 1] < within_ms:
            return True
    return False

"""What a trigger means, in a sentence, and how far it is for a user. Pure; nothing fires."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from config.triggers import AbsenceTrigger, EventTrigger, ForecastTrigger, ProductTrigger
from online_models.expected import Wait
from online_models.users import UserState
from stream.trigger_facts import Customer
from stream.trigger_rules import InForce, Rule
from stream.verdicts import Moment, all_against
from stream.waits import complete_at, is_complete

_SAYS = {
    "refused": "the customer refused personalization",
    "nobody": "nobody with a user id",
    "no_consent": "no consent to marketing",
    "unmet": "its condition, or its segments, do not hold",
    "resting": "it fired within once_in",
    "late": "it is not worth telling any more",
    "held": "quiet hours hold it",
    "quiet": "quiet hours skip it",
    "capped": "the channel has said enough",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a trigger is for a user: ``reason`` in words, and what stands ``against`` it now."""

    reason: str
    is_complete: bool
    due_at: int | None
    against: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "reason": self.reason,
            "complete": self.is_complete,
            "due_at": self.due_at,
            "against": list(self.against),
            "fires": self.is_complete and not self.against,
        }

    def __str__(self) -> str:
        against = "; ".join(_SAYS.get(one, one) for one in self.against)
        if self.is_complete and not against:
            return f"fires now: {self.reason}"
        return f"{self.reason}{f'; against it: {against}' if against else ''}"


def in_words(rule: Rule) -> str:
    """Return a sentence: what, who, when, and in which channel."""
    trigger, parts = rule.trigger, [f"{_what(rule)}, tells {rule.trigger.channel!r}"]
    if trigger.placements:
        parts.append(f"with {', '.join(trigger.placements)}")
    if trigger.when:
        parts.append(f"where {trigger.when}")
    if trigger.segments:
        parts.append(f"who is in {' or '.join(trigger.segments)}")
    parts.append("with consent to marketing" if trigger.consent == "marketing" else "to anybody")
    if trigger.once_in:
        parts.append(f"once in {trigger.once_in}")
    if rule.quiet != "ignore":
        parts.append("quiet hours hold it" if rule.quiet == "hold" else "not in quiet hours")
    late = "then dropped" if trigger.late == "drop" else "fired also when late"
    return f"{', '.join(parts)}; worth telling for {trigger.valid}, {late}"


def standing_of(rule: Rule, state: UserState, in_force: InForce, now: int, gap_ms: int) -> Standing:
    """Return how far a trigger is for a user now (ms)."""
    wait = state.waits.get(rule.name) or Wait()
    reason, due_at = _reason(rule, state, wait)
    is_there = due_at is not None and due_at <= now
    moment = Moment(now if due_at is None else min(due_at, now), now)
    customer = Customer(state, now, gap_ms, in_force.needed)
    against = all_against(rule, state, wait, moment, customer, in_force)
    return Standing(reason, is_there, due_at, tuple(map(str, against)))


def _reason(rule: Rule, state: UserState, wait: Wait) -> tuple[str, int | None]:
    """Return how far the reason is, and when it is complete where that is known."""
    if rule.why == "event":
        n = len(wait.times)
        told = f"{n} of {rule.times} came"
        return told, complete_at(wait, rule, state) if n and is_complete(wait, rule) else None
    if rule.why == "absence":
        if not wait.times:
            return "waits for nothing", None
        due_at = max(complete_at(wait, rule, state), wait.until)
        until = datetime.fromtimestamp(due_at / 1000, UTC).isoformat(timespec="seconds")
        return f"{'held' if wait.until >= 0 else 'waits'} until {until}", due_at
    return ("held", wait.until) if wait.until >= 0 else (f"waits for a {rule.why}", None)


def _what(rule: Rule) -> str:
    trigger = rule.trigger
    if isinstance(trigger, EventTrigger):
        times = f" {trigger.times} times within {trigger.within}" if trigger.times > 1 else ""
        return f"{trigger.event!r}{times}{_unless(trigger.unless)}"
    if isinstance(trigger, AbsenceTrigger):
        what = "nothing at all" if trigger.idle else "none of that"
        begun = " or ".join(map(repr, trigger.after))
        return f"{trigger.lasting} of {what} after {begun}{_unless(trigger.unless)}"
    if isinstance(trigger, ProductTrigger):
        by = f" of {trigger.by:.0%} or more" if trigger.by else ""
        watched = " or ".join(trigger.watched)
        change = trigger.change.replace("_", " ")
        return f"{change}{by} of a product that was {watched} within {trigger.within}"
    assert isinstance(trigger, ForecastTrigger)
    return f"{trigger.forecast.replace('_', ' ')}, from a probability of {trigger.likely:g} on"


def _unless(acts: tuple[str, ...]) -> str:
    return f" unless {' or '.join(map(repr, acts))}" if acts else ""

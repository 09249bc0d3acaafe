"""Who is who: anonymous visitors who turn out to be known users, refusals, erasure. Pure.

Only ``identify`` and ``alias`` join, and only an anonymous visitor into a known user: there are no
chains, and no cycles. A browser that several people share leads to whom it named last; what
happened before stays with the first.
"""

from collections.abc import Sequence

from config.events import ConsentRefused, Erase, Event, Link, Merge
from config.examples import Example
from online_models.users import (
    BrokenState,
    Linked,
    Suppressed,
    UnknownStateVersion,
    UserState,
    decode_user,
    encode_user,
)
from stream.attribution import forget_undecided
from stream.batch import Batch
from stream.exposures import changes_since, figures_of
from stream.merging import merge_into
from stream.teaching import may_teach
from stream.waits import let_go


def send_links(batch: Batch, digest: str, event: Event) -> None:
    """Tell the visitor's shard who the visitor is."""
    if event.user_id is None:
        return
    for anonymous_id in (event.anonymous_id, event.previous_id):
        if anonymous_id is not None:
            visitor = batch.ids.anonymous(anonymous_id)
            batch.send(visitor.digest, Link(digest, event.occurred_at, batch.clock))


def link(batch: Batch, digest: str, entry: Link) -> None:
    """Make a visitor lead to a known user; what is known of the visitor so far goes there."""
    user = batch.user(digest)
    if isinstance(user, Suppressed):
        return
    if isinstance(user, Linked):
        if (entry.occurred_at, entry.known) > (user.linked_at, user.known):
            user.known, user.linked_at = entry.known, entry.occurred_at
            user.received_at = max(user.received_at, entry.received_at)
            batch.store(digest, user)
        return
    ring = b""
    if user is not None:
        ring, user.recent_ids = user.recent_ids, b""
        batch.send(entry.known, Merge(encode_user(user)))
        batch.timers.set(digest, None)
    # This shard's clock may not have moved yet; a link must not look forgotten once it does.
    received_at = max(batch.clock, entry.received_at)
    batch.store(digest, Linked(entry.known, entry.occurred_at, received_at, ring))
    batch.count("link", "applied")


def merge(batch: Batch, digest: str, entry: Merge) -> UserState | None:
    """Join a visitor's history to a known user's; return the joint state unless suppressed."""
    other = decode_user(entry.state)
    if not isinstance(other, UserState):
        raise BrokenState("only the state of a visitor can join another")
    user = batch.user(digest)
    if isinstance(user, Suppressed):
        batch.count("merge", "suppressed")
        return None
    if isinstance(user, UserState):
        before = figures_of(user.exposures, other.exposures)
        merge_into(user, other, batch.rules.session_gap_ms)
        other = user
        if has_refused(user):
            _forget_open(user)
        # Two visitors who were counted turn out to be one.
        teach(batch, user, changes_since(before, figures_of(user.exposures), batch.clock))
    batch.count("merge", "applied")
    return other


def refuse(batch: Batch, digest: str, refusal: ConsentRefused) -> None:
    """Note a refusal where something is known; of a stranger nothing is stored."""
    user = batch.user(digest)
    if isinstance(user, Linked):
        batch.send(user.known, refusal)
    elif isinstance(user, UserState):
        refused = (refusal.occurred_at, False)
        user.consent = max(user.consent or refused, refused)
        if has_refused(user):
            _forget_open(user)
        batch.store(digest, user)
    batch.count("consent", "refused")


def _forget_open(user: UserState) -> None:
    """Let go of what is still open: the user refused."""
    forget_undecided(user)
    let_go(user)


def refuses(user: UserState, event: Event) -> bool:
    """Tell whether the user refused consent and this event does not bring it back."""
    return has_refused(user) and event.context.get("consent") is not True


def has_refused(user: UserState) -> bool:
    """Tell whether the user's last word on consent was no."""
    return user.consent is not None and not user.consent[1]


def teach(batch: Batch, user: UserState, examples: Sequence[Example]) -> None:
    """Hand examples to the learning flow, as far as the user may teach, who did not refuse."""
    if not has_refused(user):
        for example in examples:
            if may_teach(user, example, batch.clock):
                batch.teach(example)


def erase(batch: Batch, digest: str, entry: Erase) -> None:
    """Forget a user and the visitors that lead there; a suppressed id stays so.

    A visitor who leads to a known user is that user: the erasure goes there.
    """
    try:
        user = batch.user(digest)
    except (BrokenState, UnknownStateVersion):
        user = None  # what cannot be read can still be erased
        batch.unreadable.add(digest)
    if entry.known and not (isinstance(user, Linked) and user.known == entry.known):
        batch.count("erase", "not_theirs")
        return
    if isinstance(user, Linked) and not entry.known:
        batch.send(user.known, Erase(batch.clock, suppress=entry.suppress))
    if isinstance(user, UserState):
        for _, anonymous_id in user.anonymous_ids:
            visitor = batch.ids.anonymous(anonymous_id)
            if visitor.digest != digest:
                batch.send(visitor.digest, Erase(batch.clock, suppress=False, known=digest))
    batch.timers.set(digest, None)
    batch.store(digest, Suppressed(batch.clock) if entry.suppress else None)
    batch.outbox.erased.append(digest)
    batch.count("erase", "applied")

"""Pure: whom a request is about, and whether that visitor lets us personalize."""

from typing import NamedTuple

from config.keys import Ids, Subject
from online_models.users import UserState
from serving.access import Caller
from serving.consent import said_of_consent
from serving.reading import Rules
from serving.schemas import Request, id_text
from serving.tokens import TokenRejected, Tokens


class Asker(NamedTuple):
    """Whom to look for: the known user first, then the anonymous visitor.

    ``trusted``: the caller may be told everything. ``rejected``: why a ``userId`` did not count.
    """

    known: Subject | None
    anonymous: Subject | None
    trusted: bool
    rejected: TokenRejected | None = None


def asker_of(request: Request, caller: Caller, ids: Ids, tokens: Tokens, now_ms: int) -> Asker:
    """Return whom a request is about.

    A ``userId`` that nobody vouches for is left out before anything is looked up, so that the
    answer cannot tell whether there is such a user.
    """
    user_id, anonymous_id = id_text(request.user_id), id_text(request.anonymous_id)
    rejected: TokenRejected | None = None
    if user_id is not None and not caller.secret:
        rejected = tokens.check(request.user_token, user_id, now_ms)
    counts = user_id is not None and rejected is None
    return Asker(
        ids.known(user_id) if counts and user_id is not None else None,
        None if anonymous_id is None else ids.anonymous(anonymous_id),
        caller.secret,
        rejected,
    )


def said_by_request(request: Request, rules: Rules) -> bool | None:
    """Return whether the request itself grants or refuses personalization; None: not a word."""
    consent = None if request.context is None else request.context.get("consent")
    return (
        None if consent is None else said_of_consent({"consent": consent}, rules.consent_category)
    )


def is_granted(said: bool | None, user: UserState | None, rules: Rules) -> bool:
    """Tell whether an answer may be personal: either one's refusal counts."""
    kept = user.consent[1] if user is not None and user.consent is not None else None
    if said is False or kept is False:
        return False
    return said is True or kept is True or not rules.consent_required

"""Stream and server name a visitor's session alike, so that own steps can be told from others'."""

from collections.abc import Sequence
from functools import partial
from random import Random

import pytest

from config.examples import Touched
from online_models.users import UserState
from serving.catalog import Catalog
from serving.choices import Allowed, Suggested
from serving.decision import Shop, decide
from stream.journal import apply
from tests.builders import HOUR, IDS, MINUTE, NOON, an_event, digest_of, logged
from tests.serving.deciding import PLACEMENTS, a_request
from tests.serving.fake_model import FakeModel
from tests.stream.test_sessions import a_batch


class Listening(FakeModel):
    """A model that writes down which session it was asked for, and with what."""

    asked: tuple[int | None, list[str]] = (None, [])

    def next_best(
        self, viewed: Sequence[str], allowed: Allowed, most: int, session: int | None
    ) -> Sequence[Suggested]:
        """Write it down."""
        self.asked = (session, list(viewed))
        return super().next_best(viewed, allowed, most, None)


@pytest.mark.parametrize("minutes", [(0,), (0, 10), (0, 100, 110), (100, 0)])
def test_the_server_asks_for_the_session_that_the_stream_taught(minutes: tuple[int, ...]) -> None:
    batch = a_batch()
    for number, minute in enumerate(minutes):
        at = NOON + minute * MINUTE
        apply(batch, logged(an_event(at=at, received_at=NOON + 2 * HOUR, product_id=f"p{number}")))
    taught = [one for one in batch.outbox.examples if isinstance(one, Touched)]
    latest = max(taught, key=lambda one: one.occurred_at)
    digest = digest_of(an_event())
    user = batch.user(digest)
    assert isinstance(user, UserState)

    model = Listening()
    shop = Shop(model, Catalog(), PLACEMENTS)
    key = partial(IDS.session_key, digest)
    decide(a_request(), user, shop, NOON + 2 * HOUR, Random(1), None, key)

    session, viewed = model.asked
    assert session == latest.session
    of_session = [one for one in taught if one.session == session]
    assert viewed == [
        one.product_id for one in sorted(of_session, key=lambda one: -one.occurred_at)
    ]

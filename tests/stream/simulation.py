"""Shards without Redis: logs are lists, forwarding is a queue; a test decides who goes next."""

from collections import deque
from random import Random

from config.events import Decided, Entry, Erase, Event, RhythmLearned, Tick, decode_entry
from config.examples import Example
from config.fired import Fired
from config.keys import Subject
from online_models.curves import Curves, encode_curves
from online_models.users import Linked, User, UserState, decode_user, encode_user
from stream.batch import Batch, Logged, Rules
from stream.journal import apply
from stream.rhythms import NOTHING_LEARNED
from stream.timers import Timers
from tests.builders import IDS, digest_of


class Network:
    """All shards of a shop. States go through their bytes at each step, as they do in Redis."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.users: dict[str, bytes] = {}
        self.timers = [Timers() for _ in range(IDS.n_shards)]
        self.clocks = [0] * IDS.n_shards
        self.sources: list[dict[int, str]] = [{} for _ in range(IDS.n_shards)]
        self.curves = [NOTHING_LEARNED] * IDS.n_shards
        self.logs: list[deque[Logged]] = [deque() for _ in range(IDS.n_shards)]
        self.examples: list[Example] = []
        self.fired: list[Fired] = []
        self.n_steps = 0
        self._n_entries = 0

    def append(self, event: Event) -> None:
        """Append an event to the log of its shard."""
        digest = digest_of(event)
        self._append(IDS.shard_of(digest), Logged("", digest, event, b""))

    def decide(self, decided: Decided, subject: Subject) -> None:
        """Append what was decided for somebody."""
        self._tell(decided, subject)

    def erase(self, user_id: str, at: int) -> None:
        """Append the erasure of a known user."""
        self._tell(Erase(at), IDS.known(user_id))

    def learn(self, curves: Curves) -> None:
        """Tell all shards what was learned of all customers' orders."""
        for shard in range(IDS.n_shards):
            self._append(shard, Logged("", "", RhythmLearned(encode_curves(curves), 0), b""))

    def tick(self, at: int) -> None:
        """Let time pass in all shards."""
        for shard in range(IDS.n_shards):
            self._append(shard, Logged("", "", Tick(at), b""))

    def run(self, rng: Random | None = None) -> None:
        """Apply everything; shards take turns by chance, so that messages cross in all ways."""
        while busy := [shard for shard, log in enumerate(self.logs) if log]:
            shard = rng.choice(busy) if rng else busy[0]
            self.step(shard)

    def step(self, shard: int) -> None:
        """Apply one entry of a shard and forward what it sends."""
        self.n_steps += 1
        batch = self._batch(shard)
        apply(batch, self.logs[shard].popleft())
        self.clocks[shard], self.sources[shard] = batch.clock, batch.sources
        self.curves[shard] = batch.curves
        self.examples += batch.outbox.examples
        self.fired += batch.outbox.fired
        for digest in batch.changed:
            user = batch.users[digest]
            if user is None:
                self.users.pop(digest, None)
            else:
                self.users[digest] = encode_user(user)
        for subject, data in batch.outbox.outgoing:
            entry = decode_entry(data)
            self._append(
                subject.shard,
                Logged("", subject.digest, entry, data, shard, f"{self._n_entries + 1}-0"),
            )

    def keep(self, state: UserState, user_id: str) -> None:
        """Make this the state of a known user."""
        self.users[IDS.known(user_id).digest] = encode_user(state)

    def known(self, user_id: str) -> User | None:
        """Return a known user."""
        return self._decoded(IDS.known(user_id).digest)

    def visitor(self, anonymous_id: str) -> User | None:
        """Return an anonymous visitor, or the link they became."""
        return self._decoded(IDS.anonymous(anonymous_id).digest)

    def n_events(self) -> int:
        """Return how many events all states together have taken."""
        states = (decode_user(data) for data in self.users.values())
        return sum(state.n_events for state in states if isinstance(state, UserState))

    def n_exposures(self, digest: str) -> int:
        """Return how many experiments a user takes part in."""
        user = self._decoded(digest)
        return len(user.exposures) if isinstance(user, UserState) else 0

    def n_links(self) -> int:
        """Return how many visitors lead to a known user."""
        return sum(isinstance(decode_user(data), Linked) for data in self.users.values())

    def _decoded(self, digest: str) -> User | None:
        data = self.users.get(digest)
        return None if data is None else decode_user(data)

    def _tell(self, entry: Entry, subject: Subject) -> None:
        self._append(subject.shard, Logged("", subject.digest, entry, b""))

    def _append(self, shard: int, entry: Logged) -> None:
        self._n_entries += 1
        self.logs[shard].append(entry)

    def _batch(self, shard: int) -> Batch:
        return Batch(
            IDS,
            self.rules,
            {},
            self.timers[shard],
            self.clocks[shard],
            self.sources[shard],
            load=self._decoded,
            curves=self.curves[shard],
        )

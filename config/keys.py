"""The name and lifetime of every Redis key; no other file spells one.

A shard's keys share the cluster hash tag ``{u7}``, so that one transaction may touch them all.
Ids never appear in a key: a user is named by a keyed hash of the id (see ``Ids``).
"""

import hmac
import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from config.durations import DAY_MS
from config.errors import SettingsError

DEAD_LETTER_AGE_MS = 7 * DAY_MS
EXAMPLE_AGE_MS = DAY_MS
TRIGGER_AGE_MS = DAY_MS
UNTOLD_TRIGGER_AGE_MS = 7 * DAY_MS  # of triggers that nobody fetched, although somebody once did
PRODUCT_CHANGE_AGE_MS = 3 * DAY_MS
LEASE_MS = 2_000
HEARTBEAT_MS = 2_000
IMPORT_HOLD_MS = 10_000
FIGURES_AGE_MS = 15 * 60 * 1000
N_MODEL_SHARDS = 8
SESSIONS_SHARD = 0  # the model shard that owns the log of steps, and what is learned from it
MAX_CHANGES = 20_000
ROWS_CHANGED, MODELS_CHANGED, SUMS_CHANGED = b"n", b"d", b"x"
MAX_DECISIONS = 4_000
MAX_DEAD_LETTERS = 1_000
MAX_TOLD = 100_000
MAX_UNDELIVERED = 5_000
ERASED_AGE_MS = 8 * DAY_MS  # longer than anything that is kept for delivery

_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class Subject(NamedTuple):
    """Whom an entry is about: the shard that owns the user, and the name of the user's key."""

    shard: int
    digest: str


@dataclass(frozen=True, slots=True)
class Ids:
    """Keyed hashes of user ids: HMAC-SHA256 (RFC 2104), cut to 128 bits, base64url.

    Known and anonymous ids are hashed apart, so that no anonymous id can pose as a known one.

    >>> ids = Ids(secret=b"0" * 32, n_shards=64)
    >>> ids.known("ann") == ids.anonymous("ann")
    False
    >>> len(ids.known("ann").digest)
    22
    """

    secret: bytes
    n_shards: int
    _mac: hmac.HMAC = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Begun once: a copy of it takes a third of the time.
        object.__setattr__(self, "_mac", hmac.new(self.secret, digestmod="sha256"))

    def known(self, user_id: str) -> Subject:
        """Return the subject of a ``userId``."""
        return self._subject(b"u:" + user_id.encode())

    def anonymous(self, anonymous_id: str) -> Subject:
        """Return the subject of an ``anonymousId``."""
        return self._subject(b"a:" + anonymous_id.encode())

    def shard_of(self, digest: str) -> int:
        """Return the shard that a digest belongs to; the digest's own first bytes say so."""
        # Of each firing: urlsafe_b64decode takes five times as long, and over all of it.
        raw = a2b_base64(digest[:12].replace("-", "+").replace("_", "/"))
        return int.from_bytes(raw[:8], "big") % self.n_shards

    def fingerprint(self) -> str:
        """Return what tells two secrets apart without giving one away."""
        return hmac.digest(self.secret, b"fingerprint", "sha256").hex()[:16]

    def session_key(self, digest: str, start_at: int) -> int:
        """Return a number for a visitor's session that tells nobody whose it is.

        By keyed BLAKE2b (RFC 7693): each decision needs one, and an HMAC takes four times as long.
        """
        text = b"s:%d:%s" % (start_at, digest.encode())
        return int.from_bytes(blake2b(text, key=self.secret, digest_size=7).digest(), "big")

    def _subject(self, name: bytes) -> Subject:
        mac = self._mac.copy()
        mac.update(name)
        raw = mac.digest()[:16]
        digest = urlsafe_b64encode(raw)[:22].decode()
        return Subject(int.from_bytes(raw[:8], "big") % self.n_shards, digest)


@dataclass(frozen=True, slots=True)
class Keys:
    """Spells keys within one namespace; ``shard`` counts from 0.

    >>> Keys("shop").events(7)
    'shop:{u7}:events'

    Raises:
        SettingsError: the namespace is not lower-case letters, digits, ``-`` and ``_``.
    """

    namespace: str

    def __post_init__(self) -> None:
        if not _NAMESPACE.fullmatch(self.namespace):
            raise SettingsError(
                f"namespace {self.namespace!r}: 1 to 32 of a-z, 0-9, '-' and '_' are allowed"
            )

    def events(self, shard: int) -> str:
        """Event log; an entry goes when older than the age and behind every reader."""
        return f"{self.namespace}:{{u{shard}}}:events"

    def user(self, shard: int, digest: str) -> str:
        """State of one user; expires by the shard's clock, swept by a longer TTL."""
        return f"{self.namespace}:{{u{shard}}}:user:{digest}"

    def commit(self, shard: int) -> str:
        """Position in the log that the shard's state covers; lives as long as the shard."""
        return f"{self.namespace}:{{u{shard}}}:commit"

    def timers(self, shard: int) -> str:
        """Sorted set of user digests by the time (ms) their next timer is due."""
        return f"{self.namespace}:{{u{shard}}}:timers"

    def owner(self, shard: int) -> str:
        """Lease of the worker that handles the shard; 2 s."""
        return f"{self.namespace}:{{u{shard}}}:owner"

    def examples(self, shard: int) -> str:
        """Outbox of training examples; 24 h."""
        return f"{self.namespace}:{{u{shard}}}:examples"

    def triggers(self, shard: int) -> str:
        """Outbox of triggers; 24 h, 7 days untold where somebody was ever told."""
        return f"{self.namespace}:{{u{shard}}}:triggers"

    def watchers(self, shard: int) -> str:
        """Sorted set: who viewed or carted what, by product; goes with the users' states."""
        return f"{self.namespace}:{{u{shard}}}:watchers"

    def rhythm(self, shard: int) -> str:
        """What the shard was told of all customers' orders; lives as long as the shard."""
        return f"{self.namespace}:{{u{shard}}}:rhythm"

    def outgoing(self, shard: int) -> str:
        """Outbox of messages to other shards; an entry goes once it is in the other log."""
        return f"{self.namespace}:{{u{shard}}}:outgoing"

    def dead(self, shard: int) -> str:
        """Dead letters; 7 days, and of each shard about the last ``MAX_DEAD_LETTERS``."""
        return f"{self.namespace}:{{u{shard}}}:dead"

    def erasures(self, shard: int) -> str:
        """Hash of digests whose entries are still to be taken out of the log."""
        return f"{self.namespace}:{{u{shard}}}:erasures"

    def worker(self, worker_id: str) -> str:
        """Heartbeat of one worker; 2 s."""
        return f"{self.namespace}:worker:{worker_id}"

    def workers(self) -> str:
        """Set of worker ids that have been alive; members without a heartbeat are removed."""
        return f"{self.namespace}:workers"

    def server(self, server_id: str) -> str:
        """Heartbeat of one server; 2 s."""
        return f"{self.namespace}:server:{server_id}"

    def servers(self) -> str:
        """Set of server ids that have been alive; members without a heartbeat are removed."""
        return f"{self.namespace}:servers"

    def creation(self) -> str:
        """What was fixed at creation: shards, fingerprint of the secret, format."""
        return f"{self.namespace}:creation"

    def figures(self) -> str:
        """What processes tell of themselves each second; 15 min, by id."""
        return f"{self.namespace}:figures"

    def import_hold(self) -> str:
        """Present while an import brings times of its own: no ticks by wall time; 10 s."""
        return f"{self.namespace}:import"

    def model_rows(self, model_shard: int) -> str:
        """Hash of a model shard's rows by name; bounded by the learning flow."""
        return f"{self.namespace}:{{m{model_shard}}}:rows"

    def model_commit(self, model_shard: int) -> str:
        """Positions in all ``examples`` that a model shard's rows cover; lives with the model."""
        return f"{self.namespace}:{{m{model_shard}}}:commit"

    def model_changes(self, model_shard: int) -> str:
        """Names of what changed, for servers to fetch again; the last ``MAX_CHANGES``.

        Of rows in the field ``ROWS_CHANGED``, of dense models in ``MODELS_CHANGED``, of sums of
        experiments in ``SUMS_CHANGED``.
        """
        return f"{self.namespace}:{{m{model_shard}}}:changes"

    def models(self, model_shard: int) -> str:
        """Hash of a model shard's dense models by name; bounded by the learning flow."""
        return f"{self.namespace}:{{m{model_shard}}}:models"

    def experiments(self, model_shard: int) -> str:
        """Hash of the sums of experiments, a field a variation; bounded by the learning flow."""
        return f"{self.namespace}:{{m{model_shard}}}:experiments"

    def model_owner(self, model_shard: int) -> str:
        """Lease of the learner that handles a model shard; 2 s."""
        return f"{self.namespace}:{{m{model_shard}}}:owner"

    def learner(self, learner_id: str) -> str:
        """Heartbeat of one learner; 2 s."""
        return f"{self.namespace}:learner:{learner_id}"

    def learners(self) -> str:
        """Set of learner ids that have been alive."""
        return f"{self.namespace}:learners"

    def session_log(self) -> str:
        """Steps that models of products learn from; about the last so many (settings)."""
        return f"{self.namespace}:{{m{SESSIONS_SHARD}}}:steps"

    def snapshot(self) -> str:
        """What the learner of the next product knows beside its index; lives with the model."""
        return f"{self.namespace}:{{m{SESSIONS_SHARD}}}:snapshot"

    def snapshot_position(self) -> str:
        """The position in the log of steps that the snapshot stands for."""
        return f"{self.namespace}:{{m{SESSIONS_SHARD}}}:snapshot-position"

    def vector_table(self, name: str) -> str:
        """Hash of a snapshot's blocks of vectors; goes when the next snapshot is there."""
        return f"{self.namespace}:{{m{SESSIONS_SHARD}}}:vectors:{name}"

    def vector_tables(self) -> str:
        """Set of the names of tables; those of no snapshot are removed by the learner."""
        return f"{self.namespace}:{{m{SESSIONS_SHARD}}}:vector-tables"

    def decisions(self, shard: int) -> str:
        """What was decided for a shard's users; about the last ``MAX_DECISIONS``."""
        return f"{self.namespace}:{{u{shard}}}:decisions"

    def catalog(self) -> str:
        """Hash of the shop's products by id, JSON; lives with the shop."""
        return f"{self.namespace}:{{catalog}}:products"

    def catalog_changes(self) -> str:
        """Ids of products that changed, for servers to fetch again; the last ``MAX_CHANGES``."""
        return f"{self.namespace}:{{catalog}}:changes"

    def told(self) -> str:
        """What was told of fired triggers, all shards in one; 24 h and about ``MAX_TOLD``."""
        return f"{self.namespace}:{{d}}:told"

    def told_commit(self) -> str:
        """How far into each ``triggers`` the told ones reach; lives with the shop."""
        return f"{self.namespace}:{{d}}:commit"

    def delivering(self) -> str:
        """Lease of the one process that delivers; 2 s."""
        return f"{self.namespace}:{{d}}:owner"

    def deliverer(self, deliverer_id: str) -> str:
        """Heartbeat of one deliverer; 2 s."""
        return f"{self.namespace}:deliverer:{deliverer_id}"

    def deliverers(self) -> str:
        """Set of the ids of deliverers; lives with the shop, ids without heartbeat go."""
        return f"{self.namespace}:deliverers"

    def receivers(self) -> str:
        """Hash of how each receiver stands, by name; a field goes with its receiver."""
        return f"{self.namespace}:{{d}}:receivers"

    def stopped(self) -> str:
        """Hash of receivers that answered that they are gone, by name; until sent to again."""
        return f"{self.namespace}:{{d}}:stopped"

    def waiting(self, receiver: str) -> str:
        """Messages that a receiver has not taken yet; 75 h, and so many (settings)."""
        return f"{self.namespace}:{{d}}:waiting:{receiver}"

    def tries(self, receiver: str) -> str:
        """Hash of how often waiting messages were tried, by entry; goes with them."""
        return f"{self.namespace}:{{d}}:tries:{receiver}"

    def undelivered(self, receiver: str) -> str:
        """Messages given up; 7 days, about ``MAX_UNDELIVERED``, or as many as may wait."""
        return f"{self.namespace}:{{d}}:undelivered:{receiver}"

    def erased(self) -> str:
        """Set of digests whose messages are still to be taken out; ``ERASED_AGE_MS``."""
        return f"{self.namespace}:{{d}}:erased"

    def product_changes(self) -> str:
        """Changes of products that customers may want to hear of; 3 days."""
        return f"{self.namespace}:{{catalog}}:product-changes"

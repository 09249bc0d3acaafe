"""Why a request is refused, and the one table that says with which HTTP status."""

from enum import StrEnum

from config.errors import ShopkeeperError


class Refusal(StrEnum):
    """Why a whole request is refused; what is wrong with an event is ``config.events.Reason``."""

    BAD_GZIP = "bad_gzip"
    BAD_QUERY = "bad_query"
    BAD_REQUEST = "bad_request"
    UNKNOWN_PLACEMENT = "unknown_placement"
    NO_BATCH = "no_batch"
    DISCONNECTED = "disconnected"
    NO_KEY = "no_key"
    UNKNOWN_KEY = "unknown_key"
    SECRET_KEY_NEEDED = "secret_key_needed"
    NOT_FOUND = "not_found"
    UNKNOWN_EXPERIMENT = "unknown_experiment"
    UNKNOWN_DECISION = "unknown_decision"
    UNKNOWN_USER = "unknown_user"
    SUPPRESSED_USER = "suppressed_user"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TIMEOUT = "body_timeout"
    BODY_TOO_LARGE = "body_too_large"
    TOO_MANY_EVENTS = "too_many_events"
    UNKNOWN_ENCODING = "unknown_encoding"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"
    OVERLOADED = "overloaded"
    LOG_UNAVAILABLE = "log_unavailable"
    MEMORY_FULL = "memory_full"
    NOT_READY = "not_ready"
    STATE_UNAVAILABLE = "state_unavailable"
    CATALOG_UNAVAILABLE = "catalog_unavailable"


STATUS: dict[str, int] = {
    Refusal.NO_KEY: 401,
    Refusal.UNKNOWN_KEY: 401,
    Refusal.SECRET_KEY_NEEDED: 403,
    Refusal.NOT_FOUND: 404,
    Refusal.UNKNOWN_EXPERIMENT: 404,
    Refusal.UNKNOWN_DECISION: 404,
    Refusal.UNKNOWN_USER: 404,
    Refusal.SUPPRESSED_USER: 404,
    Refusal.METHOD_NOT_ALLOWED: 405,
    Refusal.BODY_TIMEOUT: 408,
    Refusal.BODY_TOO_LARGE: 413,
    Refusal.TOO_MANY_EVENTS: 413,
    Refusal.UNKNOWN_ENCODING: 415,
    Refusal.RATE_LIMITED: 429,
    Refusal.INTERNAL: 500,
    Refusal.OVERLOADED: 503,
    Refusal.LOG_UNAVAILABLE: 503,
    Refusal.MEMORY_FULL: 503,
    Refusal.NOT_READY: 503,
    Refusal.STATE_UNAVAILABLE: 503,
    Refusal.CATALOG_UNAVAILABLE: 503,
}


class Refused(ShopkeeperError):
    """A request that is not served; ``retry_after_seconds`` says when to come again, if at all."""

    def __init__(self, reason: str, detail: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds


def status_of(reason: str) -> int:
    """Return the HTTP status of a reason; what is wrong with an event or its body is 400.

    >>> status_of(Refusal.RATE_LIMITED), status_of("bad_json")
    (429, 400)
    """
    return STATUS.get(reason, 400)

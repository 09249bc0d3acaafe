"""User tokens: a shop vouches for a visitor's ``userId`` before a page that has the public key.

JSON Web Tokens (RFC 7519), HS256, signed with one of the secret keys; the README shows how a shop
makes one.
"""

from collections.abc import Iterable
from enum import StrEnum

import jwt

MAX_AHEAD_SECONDS = 24 * 60 * 60
MIN_KEY_BYTES = 32  # RFC 7518, 3.2: a shorter key signs nothing
_MAX_REMEMBERED = 10_000
_NO_TIME = 1e12  # seconds; whatever is later is a mistake


class TokenRejected(StrEnum):
    """What is wrong with a token; it depends on the token alone, not on any user."""

    MISSING = "missing"
    INVALID = "invalid"
    EXPIRED = "expired"
    TOO_LONG_VALID = "valid_for_more_than_24_hours"
    OTHER_USER = "for_another_user"


class Tokens:
    """Checks tokens; those found genuine are remembered, as a page sends the same again."""

    def __init__(self, secret_keys: Iterable[str]) -> None:
        encoded = [key.encode() for key in secret_keys]
        self._keys = [key for key in encoded if len(key) >= MIN_KEY_BYTES]
        self._genuine: dict[str, tuple[str, float]] = {}

    def check(self, token: str | None, user_id: str, now_ms: int) -> TokenRejected | None:
        """Return what is wrong with a token for this user, None where nothing is."""
        if not token:
            return TokenRejected.MISSING
        claims = self._genuine.get(token) or self._verified(token)
        if claims is None:
            return TokenRejected.INVALID
        subject, expires_at = claims
        left = expires_at - now_ms / 1000
        if left <= 0:
            return TokenRejected.EXPIRED
        if left > MAX_AHEAD_SECONDS:
            return TokenRejected.TOO_LONG_VALID
        return None if subject == user_id else TokenRejected.OTHER_USER

    def _verified(self, token: str) -> tuple[str, float] | None:
        for key in self._keys:
            try:
                claims = jwt.decode(token, key, algorithms=["HS256"], options=_OPTIONS)
            except jwt.PyJWTError:
                continue
            subject, expires_at = claims["sub"], claims["exp"]
            if type(subject) is not str or type(expires_at) not in (int, float):
                return None
            if not 0 <= expires_at < _NO_TIME:  # also where it is no number at all
                return None
            if len(self._genuine) >= _MAX_REMEMBERED:
                del self._genuine[next(iter(self._genuine))]
            self._genuine[token] = (subject, float(expires_at))
            return self._genuine[token]
        return None


# The times are compared here, with the clock that everything else goes by.
_OPTIONS: jwt.types.Options = {
    "require": ["exp", "sub"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
}

"""Who calls: write keys are public and may only send events, secret keys may do everything."""

import binascii
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from serving.refusals import Refusal, Refused


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a valid key; ``name`` stands for the key where the key must not be seen."""

    name: str
    secret: bool


class KeyRing:
    """The keys that are valid.

    Looking one up tells nothing by its time: Python compares keys of a dict themselves only where
    their hashes, which are salted anew in each process, are the same.
    """

    def __init__(self, write_keys: Iterable[str], secret_keys: Iterable[str]) -> None:
        self._callers = {key: Caller(_hash(key), secret=False) for key in write_keys}
        self._callers |= {key: Caller(_hash(key), secret=True) for key in secret_keys}

    def caller(self, key: str | None) -> Caller:
        """Return whom the key belongs to.

        Raises:
            Refused: there is no key, or it is none of ours.
        """
        if not key:
            raise Refused(
                Refusal.NO_KEY, "give the key as Basic user name, Bearer token or writeKey"
            )
        found = self._callers.get(key)
        if found is None:
            raise Refused(Refusal.UNKNOWN_KEY, "no such key")
        return found

    def secret_caller(self, key: str | None) -> Caller:
        """Return whom a secret key belongs to.

        Raises:
            Refused: there is no key, it is none of ours, or only a write key.
        """
        caller = self.caller(key)
        if not caller.secret:
            raise Refused(Refusal.SECRET_KEY_NEEDED, "a write key may only send events")
        return caller


def key_in_header(authorization: str | None) -> str | None:
    """Return the key that an ``Authorization`` header carries, None where there is no header.

    >>> key_in_header("Bearer wk_1"), key_in_header("Basic d2tfMTo=")
    ('wk_1', 'wk_1')

    Raises:
        Refused: there is a header, and no key in it.
    """
    if authorization is None:
        return None
    scheme, _, credentials = authorization.partition(" ")
    key: str | None = None
    if scheme.lower() == "bearer":
        key = credentials.strip()
    elif scheme.lower() == "basic":
        key = _user_name(credentials.strip())
    if not key:
        raise Refused(Refusal.UNKNOWN_KEY, "no key in the Authorization header")
    return key


def _user_name(credentials: str) -> str | None:
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return None


def _hash(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]

"""Whether a user may still be told of: not one who was erased or refused meanwhile. Pure."""

from config.errors import ShopkeeperError
from online_models.users import Linked, Suppressed, User, UserState, decode_user


def known_behind(data: bytes | None) -> str | None:
    """Return the digest of the known user who a visitor, by its bytes, turned out to be."""
    user = _user(data)
    return user.known if isinstance(user, Linked) else None


def allows(data: bytes | None) -> bool:
    """Tell what a user's bytes allow; who was erased without any leaves the lists by name."""
    user = _user(data)
    if isinstance(user, UserState):
        return user.consent is None or user.consent[1]
    return user is None


def _user(data: bytes | None) -> User | None:
    """Return a user, as one who was erased where the bytes cannot be read: they allow nothing."""
    try:
        return None if data is None else decode_user(data)
    except ShopkeeperError:
        return Suppressed(erased_at=0)

"""Whether a user may still be told of: not one who was erased or refused meanwhile. Pure."""

from config.errors import ShopkeeperError
from online_models.users import Suppressed, UserState, decode_user


def may_be_told_of(data: bytes | None) -> bool:
    """Tell it from the bytes of the user's state; one that cannot be read allows nothing.

    >>> may_be_told_of(None)
    True
    """
    if data is None:
        return True  # what was erased is taken out of the lists by name
    try:
        user = decode_user(data)
    except ShopkeeperError:
        return False
    if isinstance(user, Suppressed):
        return False
    return not (isinstance(user, UserState) and user.consent is not None and not user.consent[1])

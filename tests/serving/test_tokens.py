import hmac
from base64 import urlsafe_b64encode

import jwt
import pytest

from serving.tokens import MIN_KEY_BYTES, TokenRejected, Tokens

NOW_MS = 1_714_557_600_000
KEY = "k" * MIN_KEY_BYTES
OTHER_KEY = "o" * MIN_KEY_BYTES


def signed(key: str = KEY, algorithm: str = "HS256", **changes: object) -> str:
    claims = {"sub": "ann", "exp": NOW_MS // 1000 + 60} | changes
    said = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(said, key, algorithm=algorithm)


def checked(token: str | None, user_id: str = "ann", now_ms: int = NOW_MS) -> TokenRejected | None:
    return Tokens(["short", KEY]).check(token, user_id, now_ms)


def test_a_token_of_the_shop_vouches_for_its_user() -> None:
    assert checked(signed()) is None


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (None, TokenRejected.MISSING),
        ("", TokenRejected.MISSING),
        ("nonsense", TokenRejected.INVALID),
        (signed() + "x", TokenRejected.INVALID),
        (signed(key=OTHER_KEY), TokenRejected.INVALID),
        (signed(exp=None), TokenRejected.INVALID),
        (signed(sub=None), TokenRejected.INVALID),
        (signed(exp="soon"), TokenRejected.INVALID),
        (signed(exp=float("nan")), TokenRejected.INVALID),
        (signed(exp=10**400), TokenRejected.INVALID),
        (signed(key="k" * 64, algorithm="HS512"), TokenRejected.INVALID),
        (signed(key="", algorithm="none"), TokenRejected.INVALID),
        (signed(exp=NOW_MS // 1000), TokenRejected.EXPIRED),
        (signed(exp=NOW_MS // 1000 + 25 * 60 * 60), TokenRejected.TOO_LONG_VALID),
        (signed(sub="bob"), TokenRejected.OTHER_USER),
    ],
    ids=[
        "none",
        "empty",
        "no_token",
        "changed",
        "key_of_another",
        "no_expiry",
        "no_user",
        "expiry_no_number",
        "expiry_not_a_number",
        "expiry_never",
        "other_algorithm",
        "unsigned",
        "expired",
        "valid_too_long",
        "other_user",
    ],
)
def test_any_other_token_vouches_for_nobody(token: str | None, why: TokenRejected) -> None:
    assert checked(token) is why


def test_a_key_that_is_too_short_signs_nothing() -> None:
    key = "k" * (MIN_KEY_BYTES - 1)
    signed_part = signed().rpartition(".")[0]
    mac = hmac.digest(key.encode(), signed_part.encode(), "sha256")
    token = f"{signed_part}.{urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert Tokens([key]).check(token, "ann", NOW_MS) is TokenRejected.INVALID


def test_a_remembered_token_still_expires_and_is_still_for_one_user() -> None:
    tokens = Tokens([KEY])
    token = signed()
    assert tokens.check(token, "ann", NOW_MS) is None
    assert tokens.check(token, "bob", NOW_MS) is TokenRejected.OTHER_USER
    assert tokens.check(token, "ann", NOW_MS + 60_000) is TokenRejected.EXPIRED

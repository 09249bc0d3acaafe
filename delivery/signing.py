"""Signs webhooks as Standard Webhooks says (v1: HMAC-SHA256). Pure.

See https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence

from config.errors import SettingsError

PREFIX = "whsec_"
KEY_BYTES = (24, 64)
MAX_SECRETS = 2


def read_secrets(text: str) -> tuple[bytes, ...]:
    """Return the keys of one secret, or of two while it is being replaced.

    Raises:
        SettingsError: it is something else; the value itself is never shown.
    """
    words = text.split()
    if not 1 <= len(words) <= MAX_SECRETS:
        raise SettingsError(f"a secret {PREFIX}… is needed, or two while it is being replaced")
    return tuple(map(_key, words))


def signed_headers(
    keys: Sequence[bytes], message_id: str, at_seconds: int, body: bytes
) -> dict[str, str]:
    """Return the headers that let a receiver check who sent a body, and when (s since 1970).

    >>> headers = signed_headers([b"0" * 24], "msg_1", 1700000000, b"{}")
    >>> headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"][:3]
    ('msg_1', '1700000000', 'v1,')
    """
    signed = b"%s.%d.%s" % (message_id.encode(), at_seconds, body)
    digests = (hmac.digest(key, signed, "sha256") for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_seconds),
        "webhook-signature": " ".join(f"v1,{b64encode(one).decode()}" for one in digests),
    }


def _key(word: str) -> bytes:
    least, most = KEY_BYTES
    try:
        key = b64decode(word.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not word.startswith(PREFIX) or not least <= len(key) <= most:
        raise SettingsError(f"allowed: {PREFIX} and base64 of {least} to {most} bytes")
    return key

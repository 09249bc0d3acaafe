"""What we sign is what Standard Webhooks' own library takes."""

import time
from base64 import b64encode

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from config.errors import SettingsError
from delivery.signing import read_secrets, signed_headers
from tests.delivery.builders import SECRET

OTHER = "whsec_" + b64encode(b"another key of 24 bytes!").decode()
BODY = '{"type":"trigger.fired","data":{"who":"Zoë"}}'.encode()


def headers(secrets: str = SECRET, at: float | None = None) -> dict[str, str]:
    return signed_headers(read_secrets(secrets), "msg_1", int(at or time.time()), BODY)


def test_the_library_takes_what_is_signed() -> None:
    assert Webhook(SECRET).verify(BODY, headers())["data"] == {"who": "Zoë"}


def test_while_a_secret_is_replaced_both_are_taken() -> None:
    both = headers(f"{OTHER} {SECRET}")
    assert Webhook(SECRET).verify(BODY, both)
    assert Webhook(OTHER).verify(BODY, both)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_the_library_refuses_what_is_old_or_of_the_future(seconds: int) -> None:
    with pytest.raises(WebhookVerificationError, match="timestamp"):
        Webhook(SECRET).verify(BODY, headers(at=time.time() + seconds))


@pytest.mark.parametrize("place", range(0, len(BODY) - 3, 5))
def test_the_library_refuses_a_changed_body(place: int) -> None:
    changed = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(SECRET).verify(changed.decode("latin-1").encode(), headers())


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_the_library_refuses_changed_headers(name: str) -> None:
    changed = headers()
    changed[name] = "msg_2" if name == "webhook-id" else str(int(changed[name]) + 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, changed)


def test_the_library_refuses_another_secret() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(BODY, headers())


@pytest.mark.parametrize(
    "text", ["", "plain", "whsec_", "whsec_c2hvcnQ=", "whsec_%%", f"{SECRET} {SECRET} {SECRET}"]
)
def test_a_secret_that_is_none_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_secrets(text)
    assert SECRET not in str(raised.value)

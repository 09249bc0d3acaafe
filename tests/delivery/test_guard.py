"""Webhooks never reach what lies inside, however its address is written."""

from collections.abc import Iterable
from typing import Any

import httpcore
import pytest

from config.webhooks import Receiver, url_problem
from delivery.addresses import may_connect, parse_address
from delivery.sending import Result, Sender

pytestmark = pytest.mark.anyio

# Hosts of addresses, as they can be written in a URL.
WRITTEN = [
    "127.0.0.1", "127.1", "127.0.1", "127.8.8.8", "127.255.255.254", "2130706433", "0x7f000001",
    "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0x7f.1", "localhost", "LOCALHOST", "localhost.",
    "0.0.0.0", "0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255",
    "192.168.0.1", "192.168.255.255", "169.254.169.254", "0xa9fea9fe", "2852039166",
    "0251.0376.0251.0376", "169.254.0.1", "100.64.0.1", "100.127.255.254", "192.0.0.1",
    "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]",
    "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::a00:1]",
    "[2002:7f00:1::]", "[2002:a00:1::1]", "[2001:0:7f00:1::]", "[fe80::1]", "[fec0::1]",
    "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]",
]  # fmt: skip


class Recording(httpcore.AsyncNetworkBackend):
    """Takes note of what is connected to, and connects to nothing."""

    def __init__(self, error: type[Exception] = httpcore.ConnectError) -> None:
        self.addresses: list[str] = []
        self.seconds: list[float | None] = []
        self._error = error

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the interface says so
        *_: Any,
        **__: Any,
    ) -> httpcore.AsyncNetworkStream:
        self.addresses.append(host)
        self.seconds.append(timeout)
        raise self._error("nobody is there")


def resolving(*answers: Iterable[str]) -> Any:
    """Return a resolver that gives one answer after the other, and the questions it got."""
    questions: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        questions.append(host)
        return list(answers[min(len(questions), len(answers)) - 1])

    return resolve, questions


def test_there_are_sixty_of_them() -> None:
    assert len(set(WRITTEN)) == 60


@pytest.mark.parametrize("host", WRITTEN)
async def test_no_connection_goes_inside(host: str) -> None:
    url, recording = f"http://{host}:8080/hook", Recording()
    assert url_problem(url, allow_http=True) == ""
    receiver = Receiver(url=url, allow_http=True, timeout_seconds=5)
    sender = Sender(receiver, backend=recording)
    tried = await sender.send(b"{}", {})
    await sender.close()
    # A resolver need not know every way of writing; then there is no address at all.
    assert tried.result in {Result.FORBIDDEN, Result.UNREACHABLE}
    assert recording.addresses == []


def _is_plain(host: str) -> bool:
    try:
        parse_address(host)
    except ValueError:
        return False
    return True


PLAIN = [host.strip("[]") for host in WRITTEN if _is_plain(host.strip("[]"))]


@pytest.mark.parametrize("address", PLAIN)
async def test_a_name_that_leads_inside_leads_nowhere(address: str) -> None:
    resolve, _ = resolving([address])
    recording = Recording()
    sender = Sender(Receiver(url="https://hooks.example.com/"), resolve, recording)
    assert (await sender.send(b"{}", {})).result is Result.FORBIDDEN
    assert recording.addresses == []


async def test_a_name_that_changes_is_asked_for_once() -> None:
    resolve, questions = resolving(["93.184.216.34"], ["127.0.0.1"])
    recording = Recording()
    sender = Sender(Receiver(url="https://hooks.example.com/"), resolve, recording)
    assert (await sender.send(b"{}", {})).result is Result.UNREACHABLE
    assert (recording.addresses, questions) == (["93.184.216.34"], ["hooks.example.com"])
    assert (await sender.send(b"{}", {})).result is Result.FORBIDDEN
    assert recording.addresses == ["93.184.216.34"]


async def test_of_several_addresses_only_public_ones_are_tried() -> None:
    resolve, _ = resolving(["10.0.0.1", "93.184.216.34", "::1", "2606:4700::1111"])
    recording = Recording()
    sender = Sender(Receiver(url="https://hooks.example.com/"), resolve, recording)
    await sender.send(b"{}", {})
    assert recording.addresses == ["93.184.216.34", "2606:4700::1111"]


async def test_each_address_has_a_share_of_the_time_although_the_first_is_silent() -> None:
    resolve, _ = resolving(["93.184.216.34", "93.184.216.34", "2606:4700::1111"])
    recording = Recording(httpcore.ConnectTimeout)
    receiver = Receiver(url="https://hooks.example.com/", timeout_seconds=6)
    tried = await Sender(receiver, resolve, recording).send(b"{}", {})
    assert recording.addresses == ["93.184.216.34", "2606:4700::1111"]
    assert (recording.seconds, tried.result) == ([3, 3], Result.TIMEOUT)


async def test_what_a_receiver_lists_may_be_inside() -> None:
    resolve, _ = resolving(["10.1.2.3", "10.2.0.1"])
    recording = Recording()
    receiver = Receiver(url="https://hooks.example.com/", allow_networks=("10.1.0.0/16",))
    await Sender(receiver, resolve, recording).send(b"{}", {})
    assert recording.addresses == ["10.1.2.3"]


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_what_is_public_may_be_connected_to(address: str) -> None:
    assert may_connect(parse_address(address), ())

import asyncio
import socket

import httpx
import pytest

from serving.protocol import JoinedWrites, PatientProtocol
from tests.serving.conftest import Serve

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Recording(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said.append(bytes(data))

    def close(self) -> None:
        self.said.append(b"closed")


def test_head_and_body_leave_in_one_piece() -> None:
    transport = Recording()
    joined = JoinedWrites(transport)
    joined.write(HEAD)
    joined.write(b"{}")
    joined.write(b"more")
    assert transport.said == [HEAD + b"{}", b"more"]


def test_a_head_without_a_body_leaves_before_the_connection_closes() -> None:
    transport = Recording()
    joined = JoinedWrites(transport)
    joined.write(HEAD)
    joined.close()
    assert transport.said == [HEAD, b"closed"]


def test_an_answer_without_a_body_leaves_while_the_connection_stays(shop: httpx.Client) -> None:
    host, port = shop.base_url.host, shop.base_url.port
    with socket.create_connection((host, port or 80), timeout=30) as sock:
        for method in (b"HEAD", b"GET"):
            sock.sendall(method + b" /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n")
            assert sock.recv(10_000).startswith(b"HTTP/1.1 200 OK")


def test_a_sender_that_waits_to_be_told_to_go_on_is_told(shop: httpx.Client) -> None:
    host, port = shop.base_url.host, shop.base_url.port
    body = b'{"placements": ["next-best"]}'
    head = (
        b"POST /v1/personalize HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\n"
        b"Authorization: Bearer write-key\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    with socket.create_connection((host, port or 80), timeout=30) as sock:
        sock.sendall(head)
        assert sock.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert sock.recv(10_000).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_headers_that_come_in_pieces_are_read(shop: httpx.Client, cut: int) -> None:
    host, port = shop.base_url.host, shop.base_url.port
    request = b"GET /healthz HTTP/1.1\r\nHost: shop\r\nAccept: application/json\r\n\r\n"
    with socket.create_connection((host, port or 80), timeout=30) as sock:
        for _ in range(2):
            sock.sendall(request[:cut])
            sock.sendall(request[cut:])
            assert sock.recv(10_000).startswith(b"HTTP/1.1 200 OK")


def test_headers_of_a_later_request_are_not_waited_for_either(serve: Serve, redis_url: str) -> None:
    class Impatient(PatientProtocol):
        header_seconds = 0.05

    shop = serve(redis_url, http=Impatient)
    host, port = shop.base_url.host, shop.base_url.port
    with socket.create_connection((host, port or 80), timeout=30) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\nGET /hea")
        said = b""
        while piece := sock.recv(10_000):  # uvicorn's own patience is longer than the socket's
            said += piece
    assert said.count(b"HTTP/1.1 200 OK") == 1

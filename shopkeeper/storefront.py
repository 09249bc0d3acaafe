"""Serves the demo shop's pages, and does what a shop's own backend does: it vouches for customers.

Its files are in ``storefront/``; an address that names no file is a page of the shop.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import jwt

from config.errors import ShopkeeperError
from shopkeeper.demo_catalog import CATALOG, STOREFRONT

CUSTOMERS = {"Ann": "demo-ann", "Ben": "demo-ben", "Chloé": "demo-chloe", "Deniz": "demo-deniz"}
TRAITS = {"demo-ann": {"tier": "gold"}}  # that the shop knows of its customers
TOKEN_SECONDS = 12 * 60 * 60
_MOST_BODY_BYTES = 1024
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Page(NamedTuple):
    """An answer's type and bytes."""

    content_type: str
    body: bytes
    encoding: str = ""


def user_token(user_id: str, secret_key: str, now: float) -> str:
    """Return what vouches for a customer in front of ``POST /v1/personalize``."""
    claims = {"sub": user_id, "exp": int(now) + TOKEN_SECONDS}
    return jwt.encode(claims, secret_key, algorithm="HS256")


def token_answer(body: bytes, secret_key: str, now: float) -> dict[str, Any] | None:
    """Return id, token and traits of the customer whose name a body holds, None for anybody else.

    A shop looks into its session here; the demo believes four names.
    """
    try:
        user_id = CUSTOMERS.get(json.loads(body)["name"])
    except (ValueError, KeyError, TypeError):
        return None
    if user_id is None:
        return None
    token = user_token(user_id, secret_key, now)
    return {"userId": user_id, "userToken": token, "traits": TRAITS.get(user_id, {})}


def pages(server_url: str, write_key: str, folder: Path = STOREFRONT) -> dict[str, Page]:
    """Return everything that the storefront serves, by path."""
    settings = json.dumps({"server": server_url, "writeKey": write_key}).encode()
    found = {
        f"/{file.name}": Page(_TYPES[file.suffix], file.read_bytes())
        for file in sorted(folder.iterdir())
        if file.suffix in _TYPES
    }
    found["/catalog.ndjson"] = Page("application/x-ndjson", CATALOG.read_bytes(), "gzip")
    found["/demo/settings.json"] = Page("application/json", settings)
    return found


@contextmanager
def running_storefront(
    host: str, port: int, *, server_url: str, write_key: str, secret_key: str
) -> Iterator[str]:
    """Serve the shop in threads until the end of the ``with``, and yield its address.

    A port that is taken is left alone for a free one.

    Raises:
        ShopkeeperError: no port can be had.
    """
    served = pages(server_url, write_key)

    class Handler(_Handler):
        """Knows this shop's pages and key."""

        known = served
        key = secret_key

    try:
        server = _listening(host, port, Handler)
    except OSError as error:
        raise ShopkeeperError(f"cannot listen on {host} for the shop: {error.strerror}") from error
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://{server.server_address[0]!s}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _listening(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    try:
        return _Server((host, port), handler)
    except OSError:
        return _Server((host, 0), handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a browser keeps connections open


class _Handler(BaseHTTPRequestHandler):
    known: dict[str, Page]
    key: str
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Answer with a file, or with the page that draws what the address names."""
        path = urlsplit(self.path).path
        page = self.known.get(path)
        if page is None and "." not in path.rpartition("/")[2]:
            page = self.known["/index.html"]
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, Page("text/plain", b"there is nothing here"))
        else:
            self._answer(HTTPStatus.OK, page)

    def do_POST(self) -> None:
        """Answer ``/demo/token``."""
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > _MOST_BODY_BYTES:
            self.close_connection = True
            self._answer(HTTPStatus.BAD_REQUEST, Page("text/plain", b"no such body"))
            return
        body = self.rfile.read(int(length))
        answer = token_answer(body, self.key, time.time()) if self.path == "/demo/token" else None
        if answer is None:
            self._answer(HTTPStatus.NOT_FOUND, Page("text/plain", b"nobody of that name"))
        else:
            self._answer(HTTPStatus.OK, Page("application/json", json.dumps(answer).encode()))

    def log_message(self, *_: Any) -> None:
        """Say nothing: who looked at what is nobody's business."""

    def _answer(self, status: HTTPStatus, page: Page) -> None:
        self.send_response(status)
        self.send_header("content-type", page.content_type)
        self.send_header("content-length", str(len(page.body)))
        self.send_header("cache-control", "no-cache")
        self.send_header("x-content-type-options", "nosniff")
        if page.encoding:
            self.send_header("content-encoding", page.encoding)
        self.end_headers()
        self.wfile.write(page.body)

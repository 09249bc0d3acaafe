"""Listening, and asking our own processes by HTTP; light enough for every start."""

import http.client
import socket

from config.errors import ShopkeeperError
from config.settings import ServerSettings, Settings

_REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, for one process or several.

    Raises:
        ShopkeeperError: the address is wrong or taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        raise ShopkeeperError(
            f"cannot listen on {host}:{port}: {error.strerror}; set [server] host and port"
        ) from error
    return listener


def is_free(server: ServerSettings) -> bool:
    """Tell whether the address of the server can be listened on."""
    try:
        listen(server.host, server.port).close()
    except ShopkeeperError:
        return False
    return True


def server_url(settings: Settings) -> str:
    """Return the address that the settings give a server on this machine.

    Raises:
        ShopkeeperError: the settings leave the port open.
    """
    if settings.server.port == 0:
        raise ShopkeeperError("[server] port is 0, so nobody knows it: say --url")
    host = _REACHABLE.get(settings.server.host, settings.server.host)
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{settings.server.port}"


def metrics_url(host: str, port: int) -> str:
    """Return where this machine reads the metrics of a process that listens on a host and port.

    >>> metrics_url("0.0.0.0", 9100), metrics_url("::1", 9100)
    ('http://127.0.0.1:9100/metrics', 'http://[::1]:9100/metrics')
    """
    reachable = _REACHABLE.get(host, host)
    return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}/metrics"


def what_is_missing(url: str) -> str | None:
    """Return what a server's ``/readyz`` says is missing, None when it is ready."""
    try:
        status, text = get(f"{url}/readyz")
    except OSError as error:
        return f"the server does not answer ({error})"
    return None if status == 200 else text


def get(url: str, timeout_seconds: float = 1.0) -> tuple[int, str]:
    """Return status and text of a page of our own processes.

    Raises:
        OSError: nobody answers, or not in time, or not in HTTP.
    """
    address, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(address, timeout=timeout_seconds)
    try:
        connection.request("GET", f"/{path}")
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP: {error!r}") from error
    finally:
        connection.close()


def url_of(listener: socket.socket) -> str:
    """Return the address under which this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    reachable = _REACHABLE.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"

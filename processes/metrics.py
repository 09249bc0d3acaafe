"""The page of metrics that each process has to itself, and what stands on all of them."""

import os
import socket
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Gauge,
    disable_created_metrics,
    start_http_server,
)

from config.announcements import Announcement, Role
from config.errors import SettingsError


def count_process(registry: CollectorRegistry, role: Role) -> None:
    """Say what this process is, and what it takes of the machine: memory, CPU, open files."""
    for standard in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        registry.register(standard)
    info = Gauge(
        "shopkeeper_process_info",
        "1, for each process: what it is and its process id.",
        ("role", "pid"),
        registry=registry,
    )
    info.labels(role, str(os.getpid())).set(1)


def serve_metrics(
    registry: CollectorRegistry, role: Role, host: str, port: int, table: str
) -> tuple[WSGIServer, Announcement]:
    """Answer ``/metrics``, and return what does and what others are told; port 0: a free one.

    Raises:
        SettingsError: the address, from this ``table`` of the settings, is wrong or taken.
    """
    # Half of the page, and Prometheus makes nothing of them.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        raise SettingsError(
            f"[{table}] metrics_port {port}: {error.strerror} on {host!r}; take another one"
        ) from error
    me = Announcement(role, socket.gethostname(), os.getpid(), host, server.server_port)
    return server, me

"""Viewers of the dashboard: a process that listens to its stream as so many browsers would.

``python -m loadtest.viewers PORT N < key``; it ends when it is told to.
"""

import asyncio
import sys


async def listen(port: int, key: str) -> None:
    """Read events until the server ends them.

    Raises:
        ConnectionError: the server refused.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /v1/dashboard/stream HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer %s\r\n\r\n"
        % key.encode()
    )
    status = await reader.readline()
    if b" 200 " not in status:
        raise ConnectionError(f"no dashboard: {status.decode().strip()}")
    while await reader.read(1 << 16):
        pass
    writer.close()


async def _listen_all(port: int, n_viewers: int, key: str) -> None:
    await asyncio.gather(*(listen(port, key) for _ in range(n_viewers)))


if __name__ == "__main__":
    asyncio.run(_listen_all(int(sys.argv[1]), int(sys.argv[2]), sys.stdin.readline().strip()))

"""The least that FastAPI with one read of Redis costs an answer: what ``bench serve`` divides by.

Small, and left alone: once it changes, older ratios mean nothing. It is set up as the real server
is (loop, HTTP parser, log level, garbage collector) and shares no code with it.

``python -m loadtest.floor PORT REDIS_URL`` serves until SIGTERM.
"""

import gc
import sys
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel
from redis.asyncio import Redis

PATH = "/v1/personalize"


class Wanted(BaseModel):
    """What a page asks for."""

    userId: str | None = None  # noqa: N815
    userToken: str | None = None  # noqa: N815
    anonymousId: str | None = None  # noqa: N815
    page: dict[str, Any] = {}
    cart: list[dict[str, Any]] = []
    placements: list[str]
    context: dict[str, Any] = {}
    options: dict[str, Any] = {}


def create_app(redis_url: str) -> FastAPI:
    """Return the application: one route, one GET."""
    client = Redis.from_url(redis_url)
    app = FastAPI(openapi_url=None)

    async def personalize(wanted: Wanted) -> Response:
        found = await client.get(f"floor:{wanted.userId or wanted.anonymousId}")
        answer = {"bytes": len(found or b""), "placements": dict.fromkeys(wanted.placements)}
        return Response(orjson.dumps(answer), media_type="application/json")

    app.post(PATH)(personalize)
    return app


def _main(port: int, redis_url: str) -> None:
    config = uvicorn.Config(
        create_app(redis_url),
        port=port,
        loop="auto",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=30,
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    uvicorn.Server(config).run()


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2])

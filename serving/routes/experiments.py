"""What experiments have shown so far, for holders of the secret key; and the page that draws it.

The page itself is public and holds nothing: it asks for the key, and then for the figures.
"""

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Response

from serving.answers import answer
from serving.dependencies import ExperimentsOf, NeedSecretKey
from serving.refusals import Refusal, Refused

PAGES = Path(__file__).parents[1] / "pages"
FILES_PATH = "/experiments-files"
_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}
# The page is given the secret key: nothing from elsewhere runs in it, and nothing frames it.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

router = APIRouter(dependencies=[NeedSecretKey])
pages = APIRouter(include_in_schema=False)


@router.get("/v1/experiments/{name}")
async def read_experiment(name: str, experiments: ExperimentsOf) -> Response:
    """Answer with the figures of each variation, its lifts, and what they mean in a sentence."""
    return answer(await experiments.tell(name))


@pages.get("/experiments/{name}")
async def experiment_page(name: str) -> Response:
    """Answer with the page that draws an experiment; it reads the name from its own address."""
    return _file("experiment.html")


@pages.get(f"{FILES_PATH}/{{name}}")
async def experiment_file(name: str) -> Response:
    """Answer with a file of the page."""
    return _file(name)


@cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in PAGES.iterdir() if path.suffix in _TYPES}


def _file(name: str) -> Response:
    body = _files().get(name)
    if body is None:
        raise Refused(Refusal.NOT_FOUND, "there is nothing here")
    content_type = f"{_TYPES[Path(name).suffix]}; charset=utf-8"
    return Response(body, headers=_HEADERS, media_type=content_type)

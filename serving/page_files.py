"""The files of the pages for those who run the shop."""

from functools import cache
from pathlib import Path

from fastapi import Response

from serving.refusals import Refusal, Refused

PAGES = Path(__file__).parent / "pages"
FILES_PATH = "/page-files"
_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}
# The page is given the secret key: nothing from elsewhere runs in it, and nothing frames it.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def page_file(name: str) -> Response:
    """Answer with a file of a page.

    Raises:
        Refused: there is none of that name.
    """
    body = _files().get(name)
    if body is None:
        raise Refused(Refusal.NOT_FOUND, "there is nothing here")
    content_type = f"{_TYPES[Path(name).suffix]}; charset=utf-8"
    return Response(body, headers=_HEADERS, media_type=content_type)


@cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in PAGES.iterdir() if path.suffix in _TYPES}

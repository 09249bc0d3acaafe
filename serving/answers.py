"""How answers look on the wire: JSON, and for every refusal a reason."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Response

from serving.refusals import Refused, status_of


def answer(
    content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def refusal(refused: Refused) -> Response:
    """Return the answer to a refused request."""
    return refusal_of(refused.reason, refused.detail, refused.retry_after_seconds)


def refusal_of(reason: str, detail: str, retry_after_seconds: int | None = None) -> Response:
    """Return the answer that names a reason, and when to come again where that helps."""
    headers: dict[str, str] = {}
    status = status_of(reason)
    if retry_after_seconds is not None:
        headers["Retry-After"] = str(retry_after_seconds)
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="shopkeeper"'
    return answer({"success": False, "reason": reason, "detail": detail}, status, headers)

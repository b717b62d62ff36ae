"""Reads JSON from requests and writes JSON answers."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response


def json_response(data: object, status: int = 200) -> Response:
    """A response in JSON."""
    return Response(compact_json(data), status=status, mimetype="application/json")


def compact_json(data: object) -> bytes:
    """The data as JSON without a blank."""
    return json.dumps(data, separators=(",", ":")).encode()


def json_body(request: Request) -> Any:
    """The request's body, parsed. Raises BadRequest if it is not JSON."""
    try:
        return json.loads(request.get_data())
    except ValueError:
        raise BadRequest("the body is not JSON") from None


def json_object(request: Request) -> dict[str, Any]:
    """The JSON object in the request's body; {} if there is no body. Raises BadRequest otherwise."""
    data = json_body(request) if request.get_data() else {}
    if not isinstance(data, dict):
        raise BadRequest("the body must be an object")
    return data


def whole_number(request: Request, name: str, otherwise: int) -> int:
    """A whole number from 0 in the query. Raises BadRequest if it is something else."""
    text = request.args.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadRequest(f"invalid {name}")
    return int(text)

"""Keys, and calls of the API with them."""

from __future__ import annotations

import json
from typing import Any, cast

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from scopes.models import ApiKey, Source
from scopes.models.api_key import digest_of, new_public_id, new_secret, written


def key_for(*permissions: ApiKey.Permission, sources: tuple[Source, ...] = (), **values: Any) -> str:
    """A new key with these permissions, as its holder sends it."""
    secret, public_id = new_secret(), new_public_id()
    defaults = {"name": "app", "created_at": timezone.now(), "created_by": "eve", "requests_per_minute": 600_000}
    key = ApiKey.objects.create(
        public_id=public_id, digest=digest_of(secret), permissions=list(permissions), **defaults | values
    )
    key.sources.set(sources)
    return written(public_id, secret)


def call(
    method: str,
    path: str,
    key: str = "",
    body: Any = None,
    *,
    client: Client | None = None,
    content_type: str = "application/json",
    **headers: str,
) -> HttpResponse:
    """The answer to a call of `/api/v1/…`; `headers` are written with underscores."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        sent["Authorization"] = f"Bearer {key}"
    raw = body if isinstance(body, bytes | str) else b"" if body is None else json.dumps(body)
    answer: Any = (client or Client()).generic(method, f"/api/v1/{path}", raw, content_type=content_type, headers=sent)
    return cast(HttpResponse, answer)


def problem(answer: HttpResponse) -> tuple[int, str]:
    """The status and the code of a problem."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    body = json.loads(answer.content)
    assert body["status"] == answer.status_code
    assert body["detail"]
    return answer.status_code, body["code"]

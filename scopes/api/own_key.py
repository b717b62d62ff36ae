"""What a key may do, for its holder."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Router, Schema

from scopes.api.keys import ANY, caller, sources_of
from scopes.models import ApiKey

router = Router(tags=["Key"])


class OwnKey(Schema):
    """A key as its holder sees it. `sources` are all that it is for."""

    name: str
    public_id: str
    permissions: list[ApiKey.Permission]
    sources: list[str]
    requests_per_minute: int
    expires_at: datetime | None


@router.get("key", auth=ANY, response=OwnKey, summary="What this key may do")
def own_key(request: HttpRequest) -> OwnKey:
    """Its name, permissions, sources, limit and end."""
    key = caller(request)
    return OwnKey(
        name=key.name,
        public_id=key.public_id,
        permissions=[ApiKey.Permission(one) for one in key.permissions],
        sources=list(sources_of(key).order_by("key").values_list("key", flat=True)),
        requests_per_minute=key.requests_per_minute,
        expires_at=key.expires_at,
    )

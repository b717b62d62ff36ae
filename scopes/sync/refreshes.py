"""Refresh the tokens that we keep, and record what that brought."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import Exists, OuterRef

from scopes import flow
from scopes.facts import Origin, OriginKind
from scopes.intake.recording.recorded import Recorded
from scopes.models import Connection, Source, Token
from scopes.sources import registry
from scopes.sources.errors import AccountRefused
from scopes.sources.gateway import Gateway
from scopes.sources.observations import AccessToken
from scopes.sync import account

Clock = Callable[[], datetime]


def sources_with_due(now: datetime) -> list[Source]:
    """The sources that are set up, and at which tokens are due to be refreshed."""
    due = Token.objects.filter(refresh_at__lte=now, connection__integration__source=OuterRef("pk"))
    able = registry.able("refreshes")
    set_up = [key for key, found in registry.set_up().items() if found.kind in able]
    return list(Source.objects.filter(Exists(due), key__in=set_up).order_by("pk"))


def refresh_due(source: Source, gateway: Gateway, clock: Clock, has_time: Callable[[], bool]) -> Recorded:
    """Refresh what is due at this source, and record it. Trouble with our account is noted, and changes nobody."""
    recorded = Recorded()
    origin = Origin(source.key, OriginKind.REFRESH)
    try:
        for facts in gateway.refresh(clock, has_time):
            recorded.add(flow.take_in(source, facts, origin, clock()))
            account.works(source.key, links=False)
    except AccountRefused as refused:
        account.note(source.key, refused, clock())
    return recorded


def access_token(row: Connection, gateway: Gateway, clock: Clock) -> AccessToken:
    """The access token of a connection, refreshed where it has ended; what that reported is recorded.

    Its source must be loaded. Raises SourceErrors; trouble with our account is noted.
    """
    source = row.integration.source
    try:
        found = gateway.access_token(row.user_id, clock)
    except AccountRefused as refused:
        account.note(source.key, refused, clock())
        raise
    if found.facts:
        flow.take_in(source, found.facts, Origin(source.key, OriginKind.REFRESH), clock())
    return found

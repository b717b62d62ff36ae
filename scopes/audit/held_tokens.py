"""What is wrong with the tokens that we hold: none to refresh with, perhaps used up, not refreshed for long."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, F, Q

from scopes.facts import LinkState
from scopes.models import Token

FAILING_FOR = timedelta(days=1)


def as_data(now: datetime) -> dict[str, dict[str, int]]:
    """Source -> finding -> number of connections that work and are concerned. Without zeros.

    Test and staging count only where there is no production.
    """
    working = Token.objects.filter(
        ended_at__isnull=True,
        connection__merged_into__isnull=True,
        connection__standing__link__in=[LinkState.ACTIVE, LinkState.UNCONFIRMED],
    )
    of_source = working.order_by().values(
        key=F("connection__integration__source__key"), production=F("connection__integration__source__production")
    )
    rows = list(
        of_source.annotate(
            no_refresh_token=Count("pk", filter=Q(refresh__isnull=True, access_expires_at__isnull=False)),
            uncertain_tokens=Count("pk", filter=Q(uncertain_since__isnull=False)),
            failing_tokens=Count("pk", filter=Q(failing_since__lt=now - FAILING_FOR, uncertain_since__isnull=True)),
        ).order_by("key")
    )
    any_production = any(row["production"] for row in rows)
    found = {}
    for row in rows:
        numbers = {name: row[name] for name in ("no_refresh_token", "uncertain_tokens", "failing_tokens") if row[name]}
        if numbers and (row["production"] or not any_production):
            found[row["key"]] = numbers
    return found

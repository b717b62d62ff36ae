"""Write the events that are not about a change of standing: links, incidents, policies, audits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from scopes.judge.impact import Impact
from scopes.models import AuditRun, Incident, Integration, PolicyVersion, ReauthLink
from scopes.outbox import event_types
from scopes.outbox.changes import connection_key, named
from scopes.outbox.writing import NewEvent, is_wanted, write

CONNECTIONS = "/api/v1/connections"


def settled(links: Sequence[ReauthLink], now: datetime) -> None:
    """Report that these links have an outcome, or another one than before."""
    if not links or not is_wanted():
        return
    rows = {link.pk: link for link in links}
    names = ("integration__source", "integration__provider", "person")
    loaded = ReauthLink.objects.filter(pk__in=rows).select_related(*names, "connection").order_by("pk")
    write([_settled(link) for link in loaded], now)


def _settled(link: ReauthLink) -> NewEvent:
    connection, integration = link.connection, link.integration
    about = named(
        connection.pk if connection else None,
        str(integration.source.key),
        integration.provider.slug,
        connection.user_id if connection else "",
        link.person.reference_id,
    )
    data = {"link": link.public_id, "outcome": link.outcome, "needs": link.needs, "connection": about}
    return NewEvent(
        event_types.SETTLED,
        connection_key(connection.pk) if connection else link_key(link.pk),
        data,
        source=integration.source_id,
        connection=connection.pk if connection else None,
    )


def link_key(pk: int) -> str:
    """The ordering key of the events of a link that has no connection yet."""
    return f"link:{pk}"


def incident(row: Incident, now: datetime) -> None:
    """Report that an incident is open, or has ended, or that another listing changed its numbers."""
    if not is_wanted():
        return
    integration = Integration.objects.select_related("source", "provider").get(pk=row.integration_id)
    data = {
        "incident": row.pk,
        **_where(integration),
        "state": row.state,
        "broken": row.broken,
        "working": row.working,
        "opened_at": row.opened_at.isoformat(),
    }
    write([NewEvent(event_types.INCIDENT, f"incident:{row.pk}", data, source=integration.source_id)], now)


def published(version: PolicyVersion, impact: Impact, now: datetime) -> None:
    """Report a policy that is in force now: one event with numbers, however many connections it concerns.

    `impact` was computed while the policy before was in force.
    """
    integration = Integration.objects.select_related("source", "provider").get(pk=version.integration_id)
    where = _where(integration)
    data = {
        **where,
        "policy": version.number,
        "connections": impact.connections,
        "becoming": dict(sorted(impact.becoming.items())),
        "missing": [
            {
                "scope": scope,
                "reason": reason,
                "connections": number,
                "list": f"{CONNECTIONS}?{urlencode({**where, 'scope': scope, 'reason': reason})}",
            }
            for (scope, reason), (number, _) in impact.reasons.items()
        ],
        "counted_at": impact.counted_at.isoformat() if impact.counted_at else None,
        "list": f"{CONNECTIONS}?{urlencode(where)}",
    }
    write([NewEvent(event_types.POLICY, f"integration:{integration.pk}", data, source=integration.source_id)], now)


def audit_finished(run: AuditRun, now: datetime) -> None:
    """Report that an audit has finished, with what it found. Its findings are codes and numbers."""
    findings = [{key: one[key] for key in ("code", "number")} for one in run.findings]
    data = {
        "audit": run.pk,
        "state": run.state,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "findings": findings,
    }
    write([NewEvent(event_types.AUDIT, "audit", data)], now)


def _where(integration: Integration) -> dict[str, str]:
    return {"source": str(integration.source.key), "provider": integration.provider.slug}

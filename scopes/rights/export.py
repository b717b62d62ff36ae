"""Export everything stored about one person as JSON. An allowlist: columns that are not named here are left out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from scopes.models import (
    Attempt,
    Connection,
    Delivery,
    DontContact,
    Integration,
    LiveCheck,
    Merge,
    Message,
    OutboxEvent,
    ReauthLink,
    Recipient,
    ReferenceConflict,
    Refusal,
    ReportedError,
    SuspectedDuplicate,
    Token,
    TrailEntry,
    Waiver,
)
from scopes.rights.personal_data import PersonalData, deliveries_naming

FORMAT = 1


def export(data: PersonalData, now: datetime) -> dict[str, Any]:
    """The export, JSON-ready; times are ISO 8601 in UTC. docs/security.md describes each part.

    It has no secret and no hash of one. Its trail is what was done about this person, and by whom.
    """
    person = data.person
    return {
        "format": FORMAT,
        "made_at": _time(now),
        "reference_id": data.reference_id,
        "person": None
        if person is None
        else {
            "reference_id": person.reference_id,
            "email": person.email,
            "name": person.name,
            "locale": person.locale,
            "plan": person.plan,
            "created_at": _time(person.created_at),
            "previously_erased_on": _day(person.previously_erased_on),
        },
        "connections": [_connection(row, data) for row in data.connections],
        "link_events": [
            {
                "user_id": event.user_id,
                "what": event.what,
                "happened_at": _time(event.happened_at),
                "replaced_user_id": event.old_user_id,
            }
            for event in data.link_events
        ],
        "merges": [_merge(row) for row in data.merges],
        "suspected_duplicates": [_suspected(row, data) for row in data.suspected],
        "moves": [
            {
                "from": {"provider": row.old.integration.provider.slug, "user_id": row.old.user_id},
                "to": {"provider": row.new.integration.provider.slug, "user_id": row.new.user_id},
                "since": _time(row.since),
                "basis": row.basis,
            }
            for row in data.moves
        ],
        "reported_for_another": [_reported(row) for row in data.reference_conflicts],
        "named_for": [
            {**_where(row.connection.integration), "reference_id": row.reference_id, **_reported(row)}
            for row in data.named_for
        ],
        "attempts": [_attempt(row) for row in data.attempts],
        "links": [_link(row, data) for row in data.links],
        "campaigns": [_recipient(row) for row in data.recipients],
        "dont_contact": [_dont_contact(row) for row in data.dont_contact],
        "notes": [{"text": row.text, "author": row.author, "created_at": _time(row.created_at)} for row in data.notes],
        "events": [_event(row, data) for row in data.events],
        "deliveries": [_delivery(row) for row in deliveries_naming(data.names)],
        "trail": [_entry(row) for row in data.trail],
    }


def _connection(row: Connection, data: PersonalData) -> dict[str, Any]:
    pulse = getattr(row, "pulse", None)
    return {
        **_where(row.integration),
        "user_id": row.user_id,
        "former_ids": [
            {"user_id": former.user_id, "replaced_at": _time(former.replaced_at)}
            for former in data.former_ids
            if former.connection_id == row.pk
        ],
        "reference_id": row.reference_id,
        "provider_user_id": row.provider_user_id,
        "resource": row.resource,
        "consented_at": _time(row.consented_at),
        "first_seen_at": _time(row.first_seen_at),
        "previously_erased_on": _day(row.previously_erased_on),
        "earlier_accounts": [
            {"provider": account.provider.slug, "account_id": account.account_id}
            for account in data.earlier_accounts
            if account.connection_id == row.pk
        ],
        "merged": row.merged_into_id is not None,
        "last_webhook_on": _day(pulse.last_webhook_on) if pulse else None,
        "last_data_on": _day(pulse.last_data_on) if pulse else None,
        "periods": [
            {
                "since": _time(period.since),
                "until": _time(period.until),
                "link": period.standing.link,
                "scopes": period.standing.reported,
                "scopes_kept_apart": period.unlisted,
                "scopes_lost": period.standing.earlier,
                "waived": period.standing.waived,
                "plan": period.standing.plan,
                "moved_to_successor": period.standing.moved,
                "consented_at": _time(period.consented_at),
                "reported_by": period.origin,
                "record": period.origin_record,
                "happened_at": _time(period.happened_at),
                "received_at": _time(period.received_at),
            }
            for period in data.periods
            if period.connection_id == row.pk
        ],
        "waivers": [_waiver(waiver) for waiver in data.waivers if waiver.connection_id == row.pk],
        "live_checks": [_live_check(check) for check in data.live_checks if check.connection_id == row.pk],
        "quarantined": [
            {"state": fact.state, "happened_at": _time(fact.happened_at)}
            for fact in data.quarantined
            if fact.connection_id == row.pk
        ],
        "tokens": next((_tokens(tokens) for tokens in data.tokens if tokens.pk == row.pk), None),
        "refusals": [_refusal(refusal) for refusal in data.refusals if refusal.connection_id == row.pk],
        "reported_errors": [_reported_error(error) for error in data.reported_errors if error.connection_id == row.pk],
    }


def _event(row: OutboxEvent, data: PersonalData) -> dict[str, Any]:
    return {
        "type": row.type,
        "made_at": _time(row.made_at),
        "data": row.body["data"],
        "sent_to": [
            {"endpoint": sending.endpoint.name, "state": sending.state, "ended_at": _time(sending.ended_at)}
            for sending in data.sendings
            if sending.event_id == row.pk
        ],
    }


def _merge(row: Merge) -> dict[str, Any]:
    return {
        "user_id": row.absorbed_user_id,
        "former_user_id": row.survivor_user_id,
        "why": row.why,
        "merged_at": _time(row.merged_at),
        "author": row.author,
        "reason": row.reason,
        "ticket": row.ticket,
        "unmerged_at": _time(row.unmerged_at),
        "unmerged_by": row.unmerged_by,
        "unmerged_reason": row.unmerged_reason,
        "unmerged_ticket": row.unmerged_ticket,
    }


def _suspected(row: SuspectedDuplicate, data: PersonalData) -> dict[str, Any]:
    ids = {one.pk: one.user_id for one in data.connections}
    return {
        "user_ids": [ids[pk] for pk in (row.first_id, row.second_id) if pk in ids],
        "state": row.state,
        "found_at": _time(row.found_at),
        "ended_at": _time(row.ended_at),
        "author": row.author,
        "reason": row.reason,
        "ticket": row.ticket,
    }


def _reported(row: ReferenceConflict) -> dict[str, Any]:
    """Without the other person's reference id."""
    return {
        "first_at": _time(row.first_at),
        "reported_by": row.origin,
        "record": row.origin_record,
        "ended_at": _time(row.ended_at),
        "author": row.author,
        "reason": row.reason,
        "ticket": row.ticket,
    }


def _live_check(row: LiveCheck) -> dict[str, Any]:
    return {
        "user_id": row.user_id,
        "author": row.author,
        "asked_at": _time(row.asked_at),
        "answered_at": _time(row.answered_at),
        "answer": row.answer,
        "active": row.active,
        "scopes": row.scopes,
        "consented_at": _time(row.consented_at),
        "last_data_on": _day(row.last_data_on),
        "probe": row.probe,
        "account": row.account,
        "detail": row.detail,
    }


def _tokens(row: Token) -> dict[str, Any]:
    """That there are tokens, since when and until when; never the tokens."""
    times = (
        "obtained_at", "refreshed_at", "access_expires_at", "refresh_expires_at", "uncertain_since", "failing_since",
        "asked_at", "ended_at",
    )  # fmt: skip
    return {
        "scopes_requested": row.requested,
        "grant_reported_in": row.granted_in,
        **{name: _time(getattr(row, name)) for name in times},
    }


def _refusal(row: Refusal) -> dict[str, Any]:
    return {
        "data_type": row.data_type,
        "message": row.message,
        "first_at": _time(row.first_at),
        "last_at": _time(row.last_at),
    }


def _reported_error(row: ReportedError) -> dict[str, Any]:
    return {
        "proves": row.proves,
        "message": row.message,
        "first_at": _time(row.first_at),
        "last_at": _time(row.last_at),
    }


def _waiver(row: Waiver) -> dict[str, Any]:
    return {
        "need": row.need,
        "until": _day(row.until),
        "reason": row.reason,
        "ticket": row.ticket,
        "author": row.author,
        "created_at": _time(row.created_at),
        "ended_at": _time(row.ended_at),
    }


def _attempt(row: Attempt) -> dict[str, Any]:
    return {
        "source": row.source.key,
        "provider": row.provider.slug if row.provider else None,
        "reference_id": row.reference_id,
        "user_id": row.user_id,
        "session_id": row.session_id,
        "link": row.link.public_id if row.link else None,
        "state": row.state,
        "result": row.result,
        "message": row.message,
        "returned": row.returned,
        "started_at": _time(row.started_at),
        "ended_at": _time(row.ended_at),
    }


def _link(row: ReauthLink, data: PersonalData) -> dict[str, Any]:
    times = ("created_at", "expires_at", "opened_at", "redirected_at", "returned_at", "settled_at", "withdrawn_at")
    return {
        **_where(row.integration),
        "public_id": row.public_id,
        "author": row.author,
        "reason": row.reason,
        "ticket": row.ticket,
        "language": row.language,
        "needs": row.needs,
        **{name: _time(getattr(row, name)) for name in times},
        "outcome": row.outcome,
        "outcome_detail": row.outcome_detail,
        "messages": [_message(message) for message in data.messages if message.link_id == row.pk],
    }


def _recipient(row: Recipient) -> dict[str, Any]:
    return {
        **_where(row.integration),
        "name": row.campaign.name,
        "state": row.state,
        "reason": row.reason_code,
        "left_out_for": row.obstacle,
        "link": row.link.public_id if row.link else "",
        "sent_at": _time(row.sent_at),
    }


def _message(row: Message) -> dict[str, Any]:
    return {
        "number": row.number,
        "channel": row.channel,
        "state": row.state,
        "detail": row.detail,
        **{name: _time(getattr(row, name)) for name in ("created_at", "due_at", "sent_at", "ended_at")},
    }


def _dont_contact(row: DontContact) -> dict[str, Any]:
    return {
        "until": _day(row.until),
        "reason": row.reason,
        "ticket": row.ticket,
        "author": row.author,
        "created_at": _time(row.created_at),
        "lifted_at": _time(row.lifted_at),
    }


def _delivery(row: Delivery) -> dict[str, Any]:
    return {
        "source": row.source.key,
        "kind": row.kind,
        "received_at": _time(row.received_at),
        "processed_at": _time(row.processed_at),
        "error": row.error,
        "body": row.body,
    }


def _entry(row: TrailEntry) -> dict[str, Any]:
    return {
        "at": _time(row.at),
        "verb": row.verb,
        "actor": row.actor_name,
        **(_where(row.integration) if row.integration else {"source": None, "provider": None}),
        "subject": row.subject,
        "reason": row.reason,
        "ticket": row.ticket,
        "detail": row.detail,
    }


def _where(integration: Integration) -> dict[str, str]:
    return {"source": integration.source.key, "provider": integration.provider.slug}


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _day(on: date | None) -> str | None:
    return on.isoformat() if on else None

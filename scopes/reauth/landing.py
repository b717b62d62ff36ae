"""What a link does: opening it changes nothing, a press begins a consent, a return is recorded.

The link's secret is the capability: whoever has it may press. Mail scanners open and press too, so neither decides
anything; what the source reports afterwards does (`settle`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from django.db.models import QuerySet

from scopes.catalogue.entries import Provider as Entry
from scopes.models import Attempt, Connection, ReauthLink
from scopes.models.transactions import limited
from scopes.reauth.issue import hash_of
from scopes.reauth.link_status import LinkEnded, LinkStatus, status_of
from scopes.reauth.progress import connection_of, judgement_of
from scopes.reauth.target import reference_of
from scopes.sources import registry
from scopes.sources.consents import ConsentRequest
from scopes.sources.errors import SourceError
from scopes.sources.gateway import Gateway

PRESSES = 5
HOUR = timedelta(hours=1)
NOT_MINTED = "not_minted"
LONGEST_VALUE = 300
MOST_PARAMETERS = 20
LONGEST_WAIT = "3s"  # for somebody else's lock, while the person waits


class TooManyPresses(Exception):
    """The link was pressed five times within an hour."""


@dataclass(frozen=True, slots=True)
class BackTo:
    """Where the provider sends the person afterwards: two addresses of this attempt, and that of every attempt."""

    success: str
    failure: str
    callback: str


def find(public_id: str, secret: str) -> ReauthLink | None:
    """The link of that id, if the secret is one of its own; the same answer, and as much work, for a wrong id."""
    link = _links().filter(public_id=public_id).first()
    stored = [link.secret_hash, *link.earlier_secret_hashes] if link else [hash_of("")]
    matches = [compare_digest(bytes(one), hash_of(secret)) for one in stored]
    return link if link is not None and any(matches) else None


def attempt_by(key: str) -> Attempt | None:
    """The attempt that a return address names, with its link."""
    return (
        Attempt.objects.filter(key=key, link__isnull=False)
        .select_related("link__integration__provider", "link__integration__source")
        .select_related("link__integration__policy_version", "link__person", "provider", "source", "connection")
        .first()
    )


def opened(link: ReauthLink, now: datetime) -> None:
    """Record when the link was first opened."""
    if link.opened_at is None:
        unopened = ReauthLink.objects.filter(pk=link.pk, opened_at__isnull=True)
        limited(lock=LONGEST_WAIT)(unopened.update)(opened_at=now)


@limited(lock=LONGEST_WAIT)
def begin(link: ReauthLink, now: datetime, browser: str = "") -> Attempt:
    """A new attempt through the link, bound to `browser`, a secret that it keeps. Raises LinkEnded, TooManyPresses."""
    locked = ReauthLink.objects.select_for_update(no_key=True).get(pk=link.pk)
    status = status_of(locked, now)
    if status is not LinkStatus.LIVE:
        raise LinkEnded(status)
    recent = locked.attempts.filter(started_at__gt=now - HOUR).exclude(result=NOT_MINTED)
    if recent.count() >= PRESSES:
        raise TooManyPresses
    connection = connection_of(locked)
    return Attempt.objects.create(
        source_id=link.integration.source_id,
        person_id=locked.person_id,
        reference_id=reference_of(link.person, connection),
        provider_id=link.integration.provider_id,
        link=locked,
        connection=connection,
        key=secrets.token_urlsafe(24),
        browser=hash_of(browser) if browser else None,
        started_at=now,
    )


def is_begun_by(attempt: Attempt, browser: str) -> bool:
    """Whether the browser that keeps this secret began the attempt."""
    return attempt.browser is not None and compare_digest(bytes(attempt.browser), hash_of(browser))


def mint(attempt: Attempt, gateway: Gateway, back_to: BackTo, language: str, now: datetime) -> str:
    """The provider's own address to send the person to.

    Raises SourceError; the attempt says so then, and costs nothing.
    """
    assert attempt.link is not None
    request = ConsentRequest(
        attempt=attempt.key,
        provider=Entry.from_data(attempt.link.integration.provider.entry),
        names=_names(attempt, attempt.link),
        reference_id=attempt.reference_id,
        success_url=back_to.success,
        failure_url=back_to.failure,
        callback_url=back_to.callback,
        language=language,
        **_scopes(attempt, attempt.link),
        connected_as=attempt.connection.user_id if attempt.connection else "",
        forced=attempt.connection is not None and _has_declined(attempt.connection),
        at=now,
    )
    try:
        begun = gateway.begin_consent(request)
    except SourceError as error:
        not_minted(attempt, str(error), now)
        raise
    attempt.user_id, attempt.session_id = begun.user_id, begun.session_id
    attempt.requested = None if begun.requested is None else list(begun.requested)
    attempt.verifier = begun.verifier
    attempt.save(update_fields=["user_id", "session_id", "requested", "verifier"])
    ReauthLink.objects.filter(attempts=attempt).update(redirected_at=now)
    return begun.url


def _scopes(attempt: Attempt, link: ReauthLink) -> dict[str, tuple[str, ...]]:
    """What the policy in force requests: the scopes that are missing, and those that are held."""
    policy = link.integration.policy_version
    requested = policy.content["requested"] if policy else []
    reported = attempt.connection.standing.reported if attempt.connection else None
    held = Entry.from_data(link.integration.provider.entry).held(frozenset(reported or ()))
    return {
        "missing": tuple(scope for scope in requested if scope not in held),
        "held": tuple(scope for scope in requested if scope in held),
    }


def _has_declined(connection: Connection) -> bool:
    """Whether the person left out a permission that is needed."""
    return any(line.reason == "declined" for line in judgement_of(connection).lines)


def _names(attempt: Attempt, link: ReauthLink) -> tuple[str, ...]:
    """The source's names of what to connect: of the connection today, else of the link, else of every region."""
    source, entry = link.integration.source, Entry.from_data(link.integration.provider.entry)
    today = attempt.connection.resource if attempt.connection else ""
    return registry.names_for(source.kind, source.name, entry, today or link.resource)


def not_minted(attempt: Attempt, why: str, now: datetime) -> None:
    """No consent could be begun, so the press is not counted. `why` is shown to agents."""
    attempt.state, attempt.result, attempt.message = Attempt.State.FAILED, NOT_MINTED, why[:500]
    attempt.ended_at = now
    attempt.save(update_fields=["state", "result", "message", "ended_at"])


@limited(lock=LONGEST_WAIT)
def returned(attempt: Attempt, end: str, parameters: Mapping[str, Sequence[str]], now: datetime) -> None:
    """Record the parameters of the return address. It is unsigned, so nothing else follows from it.

    The first return counts; the browser's Back button may bring others.
    """
    kept = {
        _storable(name): [_storable(value) for value in values[:3]]
        for name, values in list(parameters.items())[:MOST_PARAMETERS]
    }
    reported = {"at": now.isoformat(), "end": _storable(end), "parameters": kept}
    ReauthLink.objects.filter(attempts=attempt).update(returned_at=now)
    Attempt.objects.filter(pk=attempt.pk, returned__isnull=True).update(returned=reported)


def reported_by_redirect(attempt: Attempt) -> str | None:
    """The reason of the failure that the return address reported, empty without a reason; None without a failure."""
    redirect = attempt.returned or {}
    parameters = redirect.get("parameters", {})
    reason = next(iter(parameters.get("reason") or parameters.get("error") or [""]), "")
    return reason if reason or redirect.get("end") == "failure" else None


def _storable(value: str) -> str:
    return value.replace("\x00", "\ufffd")[:LONGEST_VALUE]


def _links() -> QuerySet[ReauthLink]:
    return ReauthLink.objects.select_related(
        "integration__provider", "integration__source", "integration__policy_version", "person"
    )

"""Errors that the host met: diagnosed, and kept as evidence on the connection that they are about, never as a fact."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import BeforeValidator, ConfigDict, Field

from scopes import access_log
from scopes.api.caller import act_of
from scopes.api.keys import Permission, allows, caller, source_of, sources_of
from scopes.api.problems import Problem
from scopes.catalogue import default
from scopes.diagnose import MEANINGS, Diagnosis, ErrorReport, ErrorVerdict, diagnose, diagnose_connection, masked_copy
from scopes.intake.recording import reported_errors
from scopes.judge.mentioned import with_policy
from scopes.judge.missing import judgement_with
from scopes.models import ApiKey, Connection, FormerId
from scopes.reasons import REMEDIES
from scopes.sources.fields import LONGEST_MESSAGE, PayloadError, message_in, storable, time_in
from scopes.times import believed

router = Router(tags=["Errors"])


def _number(value: object) -> object:
    """JSON's numbers only: text is not read as one. 404.0 is one."""
    if isinstance(value, bool | str):
        raise ValueError("it is not a number")  # noqa: TRY004 - pydantic reads no TypeError
    return value


class MetError(Schema):
    """An error, and what it was met with: a connection by `user_id`, or a person by `reference_id`; or neither.

    `text` is the body of the answer, or whatever was logged. `provider` is what you believe it to be,
    `happened_at` by default the time of the call.
    """

    model_config = ConfigDict(extra="forbid")

    text: str
    status: Annotated[int, Field(ge=100, le=599), BeforeValidator(_number)] | None = None
    headers: dict[str, str] = {}
    provider: str | None = None
    source: str | None = None
    user_id: str | None = None
    reference_id: str | None = None
    happened_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None


class DiagnosedError(Schema):
    """What the text proves, and why by the connection's records. All quotations are masked.

    `reasons` says for each scope why it is missing. `link_helps` is whether a new consent would help. `kept` is whether
    the error is evidence on a connection now: it is where exactly one fits.
    """

    proves: ErrorVerdict
    meaning: str
    provider: str | None
    scopes: list[str]
    any_one: bool
    reasons: dict[str, str]
    remedy: str
    link_helps: bool
    evidence: list[str]
    not_proved: list[str]
    kept: bool


@router.post(
    "errors", auth=allows(Permission.WRITE_ERRORS), response=DiagnosedError, summary="Report an error that you met"
)
def report_error(request: HttpRequest, error: MetError) -> DiagnosedError:
    """What the error proves, why, and whether a new consent would help. It changes no verdict."""
    now = timezone.now()
    at = _time(error, now)
    report = ErrorReport(error.text, error.status, error.headers, error.provider or "")
    diagnosis = diagnose(report, default())
    connection = _connection(error, diagnosis, caller(request))
    if connection is None:
        return _answer(diagnosis, kept=False)
    access_log.note(act_of(caller(request)), connection.person or connection, now)
    provider = connection.integration.provider.slug
    diagnosis = diagnose_connection(report, default(), provider, partial(judgement_with, connection))
    text = " ".join(masked_copy(ErrorReport(error.text)).split())
    message = message_in({"text": text[: 2 * LONGEST_MESSAGE]}, "text")
    return _answer(diagnosis, kept=reported_errors.keep(connection.pk, diagnosis.verdict, message, at))


def _time(error: MetError, now: datetime) -> datetime:
    """When it happened; a time that cannot be true is not believed. Raises Problem."""
    if error.happened_at is None:
        return now
    try:
        time = time_in({"happened_at": error.happened_at}, "happened_at")
    except PayloadError:
        time = None
    if time is None:
        raise Problem(422, "invalid", "happened_at is not an ISO 8601 time.")
    return believed(time, now) or now


def _connection(error: MetError, diagnosis: Diagnosis, key: ApiKey) -> Connection | None:
    """The only connection of the key's sources that the error fits. Raises Problem."""
    if error.source is not None:
        which = Q(integration__source=source_of(key, storable(error.source)))
    else:
        which = Q(integration__source__in=sources_of(key))
    if error.user_id:
        user_id = storable(error.user_id)
        which &= Q(user_id=user_id) | Q(pk__in=FormerId.objects.filter(user_id=user_id).values("connection"))
    elif error.reference_id:
        reference_id = storable(error.reference_id)
        which &= Q(person__reference_id=reference_id) | Q(reference_id=reference_id, person__isnull=True)
    else:
        return None
    found = list(with_policy(which)[:50])
    provider = _slug(error) or diagnosis.provider
    fitting = [row for row in found if provider in (None, row.integration.provider.slug)]
    return fitting[0] if len(fitting) == 1 else None


def _slug(error: MetError) -> str | None:
    """The provider that the host names, if the catalogue knows it."""
    name = error.provider or ""
    known = default().providers.get(name.strip().lower()) or default().known_anywhere_as(name)
    return known.slug if known else None


def _answer(diagnosis: Diagnosis, *, kept: bool) -> DiagnosedError:
    return DiagnosedError(
        proves=diagnosis.verdict,
        meaning=MEANINGS[diagnosis.verdict],
        provider=diagnosis.provider,
        scopes=list(diagnosis.canonical or diagnosis.scopes),
        any_one=diagnosis.alternatives,
        reasons=dict(diagnosis.reasons),
        remedy=diagnosis.remedy,
        link_helps=REMEDIES[diagnosis.remedy].by_reauth,
        evidence=[*map(str, diagnosis.evidence), *diagnosis.facts],
        not_proved=list(diagnosis.unproven),
        kept=kept,
    )

"""An access token that has the scopes, or the reason why there is none. It stands in the answer and nowhere else."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from scopes import access_log
from scopes.api import idempotency
from scopes.api.caller import act_of
from scopes.api.keys import Permission, allows, caller, source_of
from scopes.api.problems import Problem
from scopes.api.verdicts import ReferenceId, ScopeName, Slug, SourceKey, missing_of, reason_of, remedy_of
from scopes.catalogue.entries import Provider as Entry
from scopes.judge.missing import judgement_with
from scopes.judge.rules import Judgement, need_key
from scopes.models import Connection, Source
from scopes.reasons import REMEDIES, Health, Helps
from scopes.sources import registry
from scopes.sources.errors import NotConfigured, SourceError, SourceUnavailable
from scopes.sources.gateway import Patience
from scopes.sources.observations import AccessToken
from scopes.sync import rate_limit, refreshes

MOST_SCOPES = 100
# RFC 6749, 3.3.
SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
LARGEST_ID = 2**63 - 1
RETRY_SECONDS = 30

router = Router(tags=["Tokens"])


class TokenIn(Schema):
    """Whose token, and what it must be allowed. `connection` is needed where the person has several there."""

    reference_id: ReferenceId
    provider: Slug
    source: SourceKey | None = None
    connection: int | None = Field(None, ge=1, le=LARGEST_ID)
    scopes: list[ScopeName] = Field([], max_length=MOST_SCOPES)


class TokenOut(Schema):
    """A token that works now. `expires_at` is null where the provider does not say when it ends.

    `scopes` is what the connection is granted, by canonical names; null where the provider does not report it, and then
    nobody knows whether the token has the scopes that were wanted.
    """

    access_token: str
    token_type: str
    expires_at: datetime | None
    scopes: list[str] | None
    connection: int


@router.post("tokens", auth=allows(Permission.READ_TOKENS), response=TokenOut, summary="Obtain an access token")
def give_token(request: HttpRequest, body: TokenIn) -> HttpResponse:
    """A fresh access token of a connection whose tokens the portal keeps; refreshed once for all who call.

    403 `insufficient_scope`: a scope is missing; why, what fixes it, and whether a link would help.
    409 `connection_broken`: no token of it works; 409 `no_tokens_kept`: the portal has none of this source.
    503 `source_unavailable`: the provider does not answer; try again after `Retry-After`.
    """
    idempotency.keep_secret(request)
    key = caller(request)
    source = source_of(key, body.source)
    if source.kind not in registry.able("refreshes"):
        raise Problem(409, "no_tokens_kept", "The portal keeps no tokens of this source.")
    row = _connection(source, body)
    entry = Entry.from_data(row.integration.provider.entry)
    wanted = [entry.canonical(name) for name in body.scopes]
    judgement = judgement_with(row, wanted)
    _check(judgement, entry, wanted)
    found = _fresh(row)
    if found.facts or not found.token:
        row = _connection(source, body)
        judgement = judgement_with(row, wanted)
        _check(judgement, entry, wanted)
    if not found.token:
        raise _broken("token_rejected", REMEDIES["reauthenticate"].code, Helps.YES)
    access_log.note_token(act_of(key), row, timezone.now())
    reported = row.standing.reported
    answer = TokenOut(
        access_token=found.token,
        token_type="Bearer",  # noqa: S106 - the word of RFC 6750
        expires_at=found.expires_at,
        scopes=None if reported is None else sorted(entry.held(frozenset(reported))),
        connection=row.pk,
    )
    response = HttpResponse(answer.model_dump_json(), content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def _connection(source: Source, body: TokenIn) -> Connection:
    rows = Connection.objects.filter(
        Q(person__reference_id=body.reference_id) | Q(person__isnull=True, reference_id=body.reference_id),
        integration__source=source,
        integration__provider__slug=body.provider,
        merged_into__isnull=True,
    ).select_related("standing", "integration__source", "integration__provider", "integration__policy_version")
    found = list((rows.filter(pk=body.connection) if body.connection else rows).order_by("pk")[:2])
    if not found:
        raise Problem(404, "connection_not_found", "The person has no such connection there.")
    if len(found) > 1:
        raise Problem(409, "connection_ambiguous", "The person has several connections there: name one.")
    return found[0]


def _check(judgement: Judgement, entry: Entry, wanted: Sequence[str]) -> None:
    """Raises Problem where the connection is broken, or a scope that is wanted is missing."""
    if judgement.health is Health.BROKEN:
        raise _broken(judgement.link_reason, judgement.link_remedy, judgement.helps)
    keys = {need_key((name,)) for name in wanted}
    missing = [line for line in judgement.lines if line.key in keys and line.held is False]
    if not missing:
        return
    labels = {name: scope.label for name, scope in entry.by_name.items()}
    names = " ".join(line.scopes[0] for line in missing if SCOPE_TOKEN.fullmatch(line.scopes[0]))
    raise Problem(
        403,
        "insufficient_scope",
        "The connection is not granted what the token must have.",
        authenticate=f'Bearer error="insufficient_scope", scope="{names}"',
        missing=[missing_of(line, labels).model_dump(mode="json") for line in missing],
        link_helps=any(REMEDIES[line.remedy].by_reauth for line in missing),
    )


def _broken(reason: str, remedy: str, helps: Helps) -> Problem:
    why, fix = reason_of(reason), remedy_of(remedy)
    return Problem(
        409,
        "connection_broken",
        "The connection does not work.",
        reason=why and why.model_dump(),
        remedy=fix and fix.model_dump(),
        link_helps=helps.value,
    )


def _fresh(row: Connection) -> AccessToken:
    source = row.integration.source
    try:
        return refreshes.access_token(row, rate_limit.gateway_of(source, Patience.INTERACTIVE), timezone.now)
    except SourceUnavailable as error:
        seconds = max(1, math.ceil(min(error.retry_after or RETRY_SECONDS, 3600)))
        raise Problem(
            503, "source_unavailable", "The provider does not answer. Try again.", retry_after=seconds
        ) from None
    except (SourceError, NotConfigured):
        raise Problem(
            502, "source_refuses", "The provider refuses our client, or its tokens cannot be read: engineers see why."
        ) from None

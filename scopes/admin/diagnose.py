"""Paste an error: what it proves, what it does not, what to do, and who is named in it.

The text comes by POST, is masked before it is shown again, and is kept nowhere. With a connection, that connection's
own facts decide why a scope is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from scopes import access_log
from scopes.admin.act_page import agent_of
from scopes.admin.healths import verdicts_of
from scopes.admin.site import ACT, desk
from scopes.catalogue import default
from scopes.diagnose import (
    MEANINGS,
    Diagnosis,
    ErrorReport,
    ErrorVerdict,
    diagnose,
    diagnose_connection,
    identifiers,
    masked_copy,
    read_report,
)
from scopes.judge.mentioned import Mentioned, find_mentioned
from scopes.judge.missing import judgement_with
from scopes.models import Connection, Verdict
from scopes.models.trail import Act

LOOK_UP = ("scopes.view_person", "scopes.view_connection")
NO_FACTS = "none"
PIECE = 1 << 16
MOST_PIECES = 1 << 10

# The word on the chip, its tone, and the symbol of static/desk/shapes.svg that says the same.
WORDS = {
    ErrorVerdict.MISSING_SCOPE: (_("Missing scope"), "bad", "cross"),
    ErrorVerdict.SCOPE_REFUSED: (_("Scope refused"), "bad", "health-blocked"),
    ErrorVerdict.CONSENT_REFUSED: (_("Consent refused"), "warn", "dash"),
    ErrorVerdict.TOKEN_INVALID: (_("Token not accepted"), "warn", "alert"),
    ErrorVerdict.NOT_A_SCOPE_PROBLEM: (_("Not a scope problem"), "wait", "check"),
    ErrorVerdict.UNRECOGNISED: (_("Not recognised"), "quiet", "health-unknown"),
}


@dataclass(frozen=True, slots=True)
class NamedScope:
    """A scope as the text names it, and as the catalogue knows it: its own name, and what it is in plain words."""

    name: str
    canonical: str
    label: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A connection that the text may be about, with its verdict in force."""

    connection: Connection
    verdict: Verdict | None


# Whether a text is too long must be known before anything reads it: the check of the form's token reads it whole.
@desk.screen("diagnose/", "diagnose", "scopes.view_provider", methods=ACT, takes_any_input=True)
@csrf_exempt
def diagnose_screen(request: HttpRequest) -> HttpResponse:
    """GET: an empty box. POST: what the text in it proves."""
    if request.method != "POST":
        return _page(request)
    if _length(request) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
        _read_away(request)
        return _page(request, http_status=413, too_long=True)
    return _answer(request)


@csrf_protect
def _answer(request: HttpRequest) -> HttpResponse:
    text = request.POST.get("text", "")
    if not text.strip():
        return _page(request, empty=True)
    report = read_report(text)
    diagnosis = diagnose(report, default())
    may_look_up = request.user.has_perms(LOOK_UP)
    found = _named(request.POST, report) if may_look_up else Mentioned()
    chosen = _chosen(request.POST.get("connection", ""), found, diagnosis)
    if chosen:
        diagnosis = diagnose_connection(
            report, default(), chosen.integration.provider.slug, partial(judgement_with, chosen)
        )
        access_log.note(Act(agent_of(request)), chosen.person or chosen, timezone.now())
    judged = verdicts_of(found.connections)
    return _page(
        request,
        **_in_words(diagnosis),
        text=masked_copy(report),
        found=found,
        unconnected=[
            person for person in found.people if person.pk not in {row.person_id for row in found.connections}
        ],
        candidates=[Candidate(row, judged.get(row.pk)) for row in found.connections],
        chosen=chosen,
        may_look_up=may_look_up,
    )


def _page(request: HttpRequest, **context: Any) -> HttpResponse:
    limit = gettext("%(size)s MB") % {"size": f"{(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) / 1_048_576:.1f}"}
    return desk.page(request, "admin/diagnose.html", gettext("Diagnose"), limit=limit, **context)


def _in_words(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis in the words of the page."""
    word, tone, symbol = WORDS[diagnosis.verdict]
    provider = default().providers.get(diagnosis.provider or "")
    entries = provider.by_name if provider else {}
    return {
        "diagnosis": diagnosis,
        "word": word,
        "tone": tone,
        "symbol": symbol,
        "meaning": MEANINGS[diagnosis.verdict],
        "provider": provider,
        "scopes": [
            NamedScope(name, canonical, entries[canonical].label if canonical in entries else "")
            for name, canonical in zip(diagnosis.scopes, diagnosis.canonical, strict=True)
        ],
    }


def _named(sent: QueryDict, report: ErrorReport) -> Mentioned:
    """Whom the text names, and whom it named before its e-mail addresses were masked."""
    return find_mentioned(identifiers(report), _ids(sent.getlist("person")), _ids(sent.getlist("named")))


def _ids(sent: Sequence[str]) -> list[int]:
    return [int(one) for one in sent if one.isascii() and one.isdecimal() and len(one) < 19]


def _chosen(wanted: str, found: Mentioned, diagnosis: Diagnosis) -> Connection | None:
    """The connection that the agent chose; before a choice the only one that fits what the text names, if so."""
    if wanted:
        return next((row for row in found.connections if str(row.pk) == wanted), None)
    fitting = [row for row in found.connections if row.pk in found.exact] or list(found.connections)
    if len(fitting) > 1 and diagnosis.provider:
        fitting = [row for row in fitting if row.integration.provider.slug == diagnosis.provider]
    return fitting[0] if len(fitting) == 1 else None


def _length(request: HttpRequest) -> int:
    """How long the request says that it is."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdecimal() else 0


def _read_away(request: HttpRequest) -> None:
    """Take in what is not wanted: a browser whose sending breaks off shows no answer."""
    for _piece in range(MOST_PIECES):
        if not request.read(PIECE):
            return

"""Why attempts to connect failed, in the agents' words: who did what, and which box was left unticked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils.translation import gettext, ngettext

from scopes.catalogue.entries import Provider as Entry
from scopes.catalogue.entries import Scope
from scopes.judge import verdicts
from scopes.judge.cards import NeverCompleted
from scopes.judge.person import PersonOverview
from scopes.models import Attempt, PolicyVersion
from scopes.reauth.consent_text import first_name
from scopes.reauth.landing import NOT_MINTED
from scopes.reauth.result import AttemptResult, failure_of
from scopes.reauth.settle import NO_REASON
from scopes.reauth.successors import has_ended

MOST = 3


def failures(account: PersonOverview, never: Iterable[NeverCompleted]) -> dict[int, str]:
    """Failed attempt -> why, in words that go on a sentence. No query."""
    known: dict[tuple[int, int], tuple[Entry, PolicyVersion | None]] = {}
    for entry in account.connections:
        integration = entry.connection.integration
        known[integration.source_id, integration.provider_id] = (entry.provider, entry.policy)
    for one in never:
        integration = one.integration
        known[integration.source_id, integration.provider_id] = (one.provider, integration.policy_version)
    name = first_name(account.person.name if account.person else "") or gettext("the person")
    return {
        attempt.pk: _why(attempt, name, *known.get((attempt.source_id, attempt.provider_id or 0), (None, None)))
        for attempt in account.attempts
        if attempt.state == Attempt.State.FAILED
    }


def link_helps(never: NeverCompleted) -> bool:
    """Whether another link can lead to a connection: not where an administrator must allow it first."""
    return failure_of(never.attempts[0].result) is not AttemptResult.ADMINISTRATOR


def never_headline(never: NeverCompleted, why: Mapping[int, str], now: datetime) -> str:
    """One sentence on attempts none of which made a connection; `why` is of `failures`."""
    newest = never.attempts[0]
    number = len(never.attempts)
    words = {"number": number, "why": why[newest.pk]}
    if len({why[attempt.pk] for attempt in never.attempts}) == 1:
        said = ngettext(
            "The attempt to connect failed: %(why)s", "%(number)s attempts to connect failed: %(why)s", number
        )
    else:
        said = gettext("%(number)s attempts to connect failed, and this is why the last one did: %(why)s")
    match failure_of(newest.result):
        case _ if has_ended(never.provider, now):
            help_ = gettext("it has shut down since, and a link leads to what takes its place")
        case AttemptResult.MISSING_SCOPES:
            help_ = gettext("a new link will help if nothing is unticked")
        case AttemptResult.ADMINISTRATOR:
            help_ = gettext("no link helps before")
        case _:
            help_ = gettext("a new link lets them try again")
    return f"{said % words}; {help_}."


def _why(attempt: Attempt, name: str, provider: Entry | None, version: PolicyVersion | None) -> str:
    called = provider.name if provider else attempt.provider.name if attempt.provider else gettext("the provider")
    words = {"name": name, "provider": called, "result": attempt.result}
    match failure_of(attempt.result):
        case AttemptResult.MISSING_SCOPES:
            boxes = [f"“{scope.box or scope.label}”" for scope in _culprits(attempt, provider, version)]
            if not 0 < len(boxes) <= MOST:
                said = gettext("%(name)s left a permission unticked without which %(provider)s makes no connection")
                return said % words
            *some, last = boxes
            if not some:
                return gettext("%(name)s left %(box)s unticked, and without it %(provider)s makes no connection") % {
                    **words,
                    "box": last,
                }
            return gettext(
                "%(name)s left %(boxes)s or %(box)s unticked, and %(provider)s makes no connection without all of them"
            ) % {**words, "boxes": ", ".join(some), "box": last}
        case AttemptResult.NOT_ALLOWED:
            return gettext("%(name)s did not allow it at %(provider)s, or cancelled") % words
        case AttemptResult.ADMINISTRATOR:
            return gettext("at %(provider)s only an administrator of the person’s organisation can allow it") % words
        case AttemptResult.WRONG_ACCOUNT:
            return gettext("%(name)s signed in to %(provider)s with another account than before") % words
    if attempt.result == NOT_MINTED:
        return gettext("the consent screen of %(provider)s could not be opened") % words
    if attempt.result in ("", NO_REASON):
        return gettext("the source gave no reason")
    return gettext("the source reports `%(result)s`") % words


def _culprits(attempt: Attempt, provider: Entry | None, version: PolicyVersion | None) -> list[Scope]:
    """The scopes of which one was left unticked: those that the failure names, else all that are mandatory."""
    mandatory = [scope for scope in provider.scopes if scope.mandatory] if provider else []
    named = [scope for scope in mandatory if any(_names(attempt, name) for name in (scope.name, *scope.aliases))]
    requested = verdicts.policy_of(version).requested if version else frozenset()
    return named or [scope for scope in mandatory if scope.name in requested] or mandatory


def _names(attempt: Attempt, scope: str) -> bool:
    return re.search(rf"(?<![\w.:]){re.escape(scope)}(?![\w.:])", attempt.message) is not None

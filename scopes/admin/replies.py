"""The reply to paste that a card of the person page offers, in the person's language."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings
from django.utils import translation

from scopes.catalogue.entries import Provider as Entry
from scopes.judge import verdicts
from scopes.judge.cards import Card, NeverCompleted
from scopes.judge.person import successor_of
from scopes.judge.rules import Policy
from scopes.models import Person, PolicyVersion, Source
from scopes.reauth.languages import language_of
from scopes.reauth.reply import About, reply_to, reply_to_failed


@dataclass(frozen=True, slots=True)
class Reply:
    """A text to send to the person. `language` is its code, `called` the language's name."""

    language: str
    called: str
    text: str


def for_card(card: Card, person: Person | None) -> Reply | None:
    """The reply about a connection; None where it is not known whose it is."""
    if person is None:
        return None
    entry, row = card.entry, card.entry.connection
    about = _about(person, row.integration.source, entry.provider, entry.policy)
    about = replace(about, successor=successor_of(row, entry.provider), uncertain=card.quarantined is not None)
    language = language_of(person.locale)
    with translation.override(language):
        return _reply(language, reply_to(entry.explanation, about))


def for_never(never: NeverCompleted, person: Person | None) -> Reply | None:
    """The reply about a provider that was never connected."""
    if person is None:
        return None
    about = _about(person, never.integration.source, never.provider, never.integration.policy_version)
    language = language_of(person.locale)
    with translation.override(language):
        return _reply(language, reply_to_failed([result for result, _ in never.results], about))


def _about(person: Person, source: Source, provider: Entry, version: PolicyVersion | None) -> About:
    return About(
        host=settings.PORTAL_HOST_NAME,
        provider=provider,
        policy=verdicts.policy_of(version) if version else Policy(provider=provider),
        name=person.name,
        unavailable=bool(source.trouble),
    )


def _reply(language: str, text: str) -> Reply:
    return Reply(language, dict(settings.LANGUAGES).get(language, language), text)

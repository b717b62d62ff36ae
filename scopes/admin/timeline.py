"""Everything that happened to a person's connections, in one line of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.utils.translation import gettext

from scopes.admin.page_views import VERBS
from scopes.admin.tags import listed
from scopes.facts import OBSERVATIONS, OriginKind
from scopes.judge.person import ConnectionOverview, PersonOverview
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import facts_of
from scopes.models import Attempt, Period, ReauthLink, TrailEntry
from scopes.sources import registry

KINDS = ("facts", "attempts", "links", "acts")
LONGEST = 200
LIFE = (
    ("settled_at", "Link result"),
    ("withdrawn_at", "Link withdrawn"),
    ("returned_at", "Returned from the provider"),
    ("redirected_at", "Went to the provider"),
    ("opened_at", "Opened the link"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `kind` is one of KINDS; `by` is who reported or did it."""

    at: datetime
    kind: str
    title: str
    detail: str = ""
    by: str = ""


def kinds(account: PersonOverview) -> list[tuple[str, str]]:
    """Each kind of event with its title; facts are titled by the sources of the person, "From …"."""
    sources = {registry.title_of(entry.connection.integration.source) for entry in account.connections}
    reporter = gettext("From {}").format(listed(sorted(sources))) if sources else gettext("From the source")
    titles = (reporter, gettext("Connection attempts"), gettext("Links"), gettext("Agent activity"))
    return list(zip(KINDS, titles, strict=True))


def timeline(account: PersonOverview, trail: Iterable[TrailEntry], kind: str = "") -> list[Event]:
    """The events, newest first, at most 200; only those of `kind`, where one is named."""
    events = [
        *_facts(account.connections),
        *_attempts(account.attempts),
        *(event for link in account.links for event in _life(link)),
        *(_act(entry) for entry in trail),
    ]
    wanted = [event for event in events if not kind or event.kind == kind]
    return sorted(wanted, key=lambda event: event.at, reverse=True)[:LONGEST]


def _facts(entries: Sequence[ConnectionOverview]) -> Iterator[Event]:
    standings = facts_of(period.standing_id for entry in entries for period in entry.periods)
    for entry in entries:
        if not entry.periods:
            continue
        first = entry.periods[-1]
        began = "first reported" if first.origin in OBSERVATIONS else "connected"
        yield Event(
            first.since, "facts", f"{entry.provider.name}: {began}", _held(standings[first.standing_id]), _by(first)
        )
        for later, earlier in pairwise(entry.periods):
            changed = _changed(standings[earlier.standing_id], standings[later.standing_id], later.origin)
            yield Event(later.since, "facts", f"{entry.provider.name}: {changed[0]}", changed[1], _by(later))


def _by(period: Period) -> str:
    """Who reported it; a file by its name, for there are several."""
    which = f" {period.origin_record}" if period.origin == OriginKind.FILE else ""
    return f"by {OriginKind(period.origin).noun}{which}"


def _held(standing: StandingFacts) -> str:
    if standing.reported is None:
        return "The source did not report scopes."
    return f"Granted: {_names(standing.reported)}." if standing.reported else "No scopes granted."


def _changed(before: StandingFacts, after: StandingFacts, origin: str) -> tuple[str, str]:
    """What is different, as a title and a sentence."""
    gained = (after.reported or frozenset()) - (before.reported or frozenset())
    lost = (before.reported or frozenset()) - (after.reported or frozenset())
    words = [f"Granted: {_names(gained)}." if gained else "", f"Removed: {_names(lost)}." if lost else ""]
    detail = " ".join(word for word in words if word)
    if before.link is not after.link:
        return f"link is {after.link.value.replace('_', ' ')}", detail
    if detail:
        return "scopes changed", detail
    if before.consent_version != after.consent_version and origin == "policy":
        return "consent screen corrected", "A policy published later corrects which consent screen the person saw."
    if before.consent_version != after.consent_version:
        return "consented again", _held(after)
    if before.plan != after.plan:
        return "plan changed", f"From {before.plan or 'none'} to {after.plan or 'none'}."
    if before.waived != after.waived:
        return "waiver changed", f"Waived now: {_names(after.waived)}." if after.waived else "No waivers now."
    return "reported again", _held(after)


def _names(scopes: Iterable[str]) -> str:
    return ", ".join(f"`{scope}`" for scope in sorted(scopes))


def _attempts(attempts: Iterable[Attempt]) -> Iterator[Event]:
    for attempt in attempts:
        provider = attempt.provider.name if attempt.provider else "Unknown provider"
        result = f" with `{attempt.result}`" if attempt.result else ""
        way = "from our link" if attempt.link_id else "not from our link"
        at = attempt.ended_at or attempt.started_at
        detail = f"{attempt.get_state_display()}{result}." if attempt.ended_at else "Still open."
        yield Event(at, "attempts", f"{provider}: tried to connect", f"{detail} {attempt.message}".strip(), way)


def _life(link: ReauthLink) -> Iterator[Event]:
    about = f"{link.integration.provider.name}: "
    yield Event(link.created_at, "links", f"{about}reauth link created", link.reason, f"by {link.author}")
    for name, title in LIFE:
        at = getattr(link, name)
        if at is not None:
            detail = f"{link.get_outcome_display()}. {link.outcome_detail}".strip()
            yield Event(at, "links", about + title[0].lower() + title[1:], detail if name == "settled_at" else "", "")


VERB_WORDS = {"person.opened": "Viewed this page", "connection.opened": "Viewed the connection"}


def _act(entry: TrailEntry) -> Event:
    title = VERB_WORDS.get(entry.verb, entry.verb.replace(".", " ").replace("_", " ").capitalize())
    ticket = f"Ticket {entry.ticket}." if entry.ticket else ""
    return Event(entry.at, "acts", title, f"{entry.reason} {ticket}".strip(), f"by {entry.actor_name}")


def trail_of(account: PersonOverview, *, openings: bool) -> list[TrailEntry]:
    """Agent activity about this person, newest first; who opened the page only for those who may see that."""
    if account.person is not None:
        entries = TrailEntry.objects.filter(person=account.person)
    else:
        entries = TrailEntry.objects.filter(connection__in=[entry.connection.pk for entry in account.connections])
    if not openings:
        entries = entries.exclude(verb__in=VERBS)
    return list(entries.order_by("-at")[:LONGEST])

"""Everything that happened to a person's connections, in one line of time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from scopes.access_log import VERBS
from scopes.admin.tags import listed
from scopes.facts import OBSERVATIONS, OriginKind
from scopes.judge.held_tokens import held_tokens
from scopes.judge.person import ConnectionOverview, PersonOverview
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import facts_of
from scopes.models import Attempt, Period, ReauthLink, TrailEntry
from scopes.sources import registry

KINDS = ("facts", "attempts", "links", "acts")
LONGEST = 200
LIFE = (
    ("settled_at", _("%(provider)s: link result")),
    ("returned_at", _("%(provider)s: returned from the provider")),
    ("redirected_at", _("%(provider)s: went to the provider")),
    ("opened_at", _("%(provider)s: opened the link")),
)
SETTLED, WITHDRAWN = "link.settled", "link.withdrawn"
# What is recorded of a link that its own life has too; of its results only the last.
OF_LINKS = ("link.issued", SETTLED, WITHDRAWN)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
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


def timeline(
    account: PersonOverview, trail: Iterable[TrailEntry], why: Mapping[int, str], kind: str = ""
) -> list[TimelineEntry]:
    """The events, newest first, at most 200; only those of `kind`, where one is named.

    `why` says why attempts failed, by their id. Among all events, each thing is one: what was done to a link is of the
    link's life, an attempt that failed says so itself, and of one that succeeded its link's result does.
    """
    acts = list(trail)
    lives = {link.public_id: link for link in account.links}
    settled = {link.pk for link in account.links if link.outcome not in ("", ReauthLink.Outcome.FAILED)}
    failed = {attempt.link_id for attempt in account.attempts if attempt.pk in why}
    events = [
        *_facts(account.connections),
        *([] if account.as_of else _tokens(account.connections)),
        *_attempts((one for one in account.attempts if kind or one.link_id not in settled or one.pk in why), why),
        *(
            event
            for link in account.links
            for event in _life(link, acts, result=bool(kind) or link.pk in settled or link.pk not in failed)
        ),
        *(_act(entry) for entry in acts if kind or not _is_of(lives.get(entry.subject), entry, failed)),
    ]
    wanted = [event for event in events if not kind or event.kind == kind]
    return sorted(wanted, key=lambda event: event.at, reverse=True)[:LONGEST]


def _facts(entries: Sequence[ConnectionOverview]) -> Iterator[TimelineEntry]:
    standings = facts_of(period.standing_id for entry in entries for period in entry.periods)
    for entry in entries:
        if not entry.periods:
            continue
        first = entry.periods[-1]
        began = gettext("first reported") if first.origin in OBSERVATIONS else gettext("connected")
        yield TimelineEntry(
            first.since, "facts", f"{entry.provider.name}: {began}", _held(standings[first.standing_id]), _by(first)
        )
        for later, earlier in pairwise(entry.periods):
            changed = _changed(standings[earlier.standing_id], standings[later.standing_id], later.origin)
            yield TimelineEntry(later.since, "facts", f"{entry.provider.name}: {changed[0]}", changed[1], _by(later))


def _tokens(entries: Sequence[ConnectionOverview]) -> Iterator[TimelineEntry]:
    """What is wrong with the tokens that we hold, while it is."""
    for entry in entries:
        tokens, about = held_tokens(entry.connection), {"provider": entry.provider.name}
        if tokens is not None and tokens.failing_since is not None:
            yield TimelineEntry(
                tokens.failing_since,
                "facts",
                gettext("%(provider)s: calls with its tokens began to fail") % about,
                tokens.error,
            )
        if tokens is not None and tokens.ended_at is not None:
            yield TimelineEntry(tokens.ended_at, "facts", gettext("%(provider)s: tokens deleted") % about)


def _by(period: Period) -> str:
    """Who reported it; a file by its name, for there are several."""
    noun = OriginKind(period.origin).noun
    named = f"{noun} {period.origin_record}" if period.origin == OriginKind.FILE else noun
    return gettext("by %(reporter)s") % {"reporter": named}


def _held(standing: StandingFacts) -> str:
    if standing.reported is None:
        return gettext("The source did not report scopes.")
    return (
        gettext("Granted: %(scopes)s.") % {"scopes": _names(standing.reported)}
        if standing.reported
        else gettext("No scopes granted.")
    )


def _changed(before: StandingFacts, after: StandingFacts, origin: str) -> tuple[str, str]:
    """What is different, as a title and a sentence."""
    gained = (after.reported or frozenset()) - (before.reported or frozenset())
    lost = (before.reported or frozenset()) - (after.reported or frozenset())
    words = [
        gettext("Granted: %(scopes)s.") % {"scopes": _names(gained)} if gained else "",
        gettext("Removed: %(scopes)s.") % {"scopes": _names(lost)} if lost else "",
    ]
    detail = " ".join(word for word in words if word)
    if before.moved != after.moved:
        return gettext("moved to the successor") if after.moved else gettext("no longer counts as moved"), detail
    if before.link is not after.link:
        return gettext("link is %(state)s") % {"state": after.link.value.replace("_", " ")}, detail
    if detail:
        return gettext("scopes changed"), detail
    if before.consent_version != after.consent_version and origin == "policy":
        return gettext("consent screen corrected"), gettext(
            "A policy published later corrects which consent screen the person saw."
        )
    if before.consent_version != after.consent_version:
        return gettext("consented again"), _held(after)
    if before.plan != after.plan:
        return gettext("plan changed"), gettext("From %(before)s to %(after)s.") % {
            "before": before.plan or gettext("none"),
            "after": after.plan or gettext("none"),
        }
    if before.waived != after.waived:
        now = gettext("Waived now: %(waived)s.") if after.waived else gettext("No waivers now.")
        return gettext("waiver changed"), now % {"waived": _names(after.waived)}
    return gettext("reported again"), _held(after)


def _names(scopes: Iterable[str]) -> str:
    return ", ".join(f"`{scope}`" for scope in sorted(scopes))


def _attempts(attempts: Iterable[Attempt], why: Mapping[int, str]) -> Iterator[TimelineEntry]:
    for attempt in attempts:
        provider = attempt.provider.name if attempt.provider else gettext("Unknown provider")
        way = gettext("from our link") if attempt.link_id else gettext("not from our link")
        at = attempt.ended_at or attempt.started_at
        detail = gettext("Still open.")
        if attempt.ended_at:
            words = gettext("%(state)s: %(why)s.") if attempt.pk in why else gettext("%(state)s.")
            detail = words % {"state": attempt.get_state_display(), "why": why.get(attempt.pk)}
        yield TimelineEntry(
            at, "attempts", gettext("%(provider)s: tried to connect") % {"provider": provider}, detail, way
        )


def _life(link: ReauthLink, acts: Iterable[TrailEntry], *, result: bool) -> Iterator[TimelineEntry]:
    provider = link.integration.provider.name
    yield TimelineEntry(
        link.created_at,
        "links",
        gettext("%(provider)s: reauth link created") % {"provider": provider},
        _reason(link),
        gettext("by %(name)s") % {"name": link.author},
    )
    for name, title in LIFE:
        at = getattr(link, name)
        if at is not None and (result or name != "settled_at"):
            detail = f"{link.get_outcome_display()}. {link.outcome_detail}".strip() if name == "settled_at" else ""
            yield TimelineEntry(at, "links", gettext(title) % {"provider": provider}, detail)
    if link.withdrawn_at is not None:
        title = gettext("%(provider)s: link withdrawn") % {"provider": provider}
        act = next((entry for entry in acts if entry.verb == WITHDRAWN and entry.subject == link.public_id), None)
        by = gettext("by %(name)s") % {"name": act.actor_name} if act else ""
        yield TimelineEntry(link.withdrawn_at, "links", title, _reason(act) if act else "", by)


def _is_of(link: ReauthLink | None, entry: TrailEntry, failed: Collection[int | None]) -> bool:
    """Whether the link's life has this entry too, or an attempt says it: `failed` are links with one that failed."""
    if link is None or entry.verb not in OF_LINKS:
        return False
    if entry.detail.get("outcome") == ReauthLink.Outcome.FAILED and link.pk in failed:
        return True
    return entry.verb != SETTLED or entry.at == link.settled_at


def _reason(act: ReauthLink | TrailEntry) -> str:
    ticket = gettext("Ticket %(ticket)s.") % {"ticket": act.ticket} if act.ticket else ""
    return f"{act.reason} {ticket}".strip()


VERB_WORDS = {"person.opened": _("Viewed this page"), "connection.opened": _("Viewed the connection")}


def _act(entry: TrailEntry) -> TimelineEntry:
    title = entry.action
    if entry.verb in VERB_WORDS:
        title = gettext(VERB_WORDS[entry.verb])
    return TimelineEntry(entry.at, "acts", title, _reason(entry), gettext("by %(name)s") % {"name": entry.actor_name})


def trail_of(account: PersonOverview, *, openings: bool) -> list[TrailEntry]:
    """Agent activity about this person, newest first; who opened the page only for those who may see that."""
    if account.person is not None:
        entries = TrailEntry.objects.filter(person=account.person)
    else:
        entries = TrailEntry.objects.filter(connection__in=[entry.connection.pk for entry in account.connections])
    if not openings:
        entries = entries.exclude(verb__in=VERBS)
    return list(entries.order_by("-at")[:LONGEST])

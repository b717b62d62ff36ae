"""Record facts about connections: find the row, apply the facts in order, close a period and open the next.

Idempotent and never backwards (see `effects`). Nothing is written for a fact that tells nothing new. Locks are taken
in one order (connections by id, standings by digest, new connections by key), so that batches cannot deadlock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial

from django.db import transaction

from scopes.catalogue import provider_named
from scopes.facts import ConnectionFact, ConnectionSeen, LinkChanged, Origin, ScopesChanged
from scopes.intake.matching import identity, reference_conflicts
from scopes.intake.matching.decision import ENDED
from scopes.intake.matching.identity import OfThePast
from scopes.intake.recording import people, rows
from scopes.intake.recording.effects import Read, Row, Step, Told, after, begin, tells_nothing
from scopes.intake.recording.vocabulary import Vocabulary
from scopes.judge.policy import ConsentScreens, consent_screens_of, ensure_integration
from scopes.judge.rules import NOT_BROKEN, StandingFacts
from scopes.judge.standing import facts_of, intern
from scopes.models import Connection, Person, Source
from scopes.models.arrays import among
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction, retry_after_deadlock
from scopes.sources import registry

Key = tuple[int, str]
Held = tuple[int, int, datetime]  # a connection, its integration, when it was seen
Sourced = tuple[ConnectionFact, Origin]


@dataclass(slots=True)
class Recorded:
    """What a batch came to. `connections` are the ids of all that its facts were about.

    `ended` are ids that did not work any more before, or do not now. `untried` are the ids of those that were only
    sighted, and that no link's try is about. `held` are the working ones that were said to be inactive, where that was
    not to be recorded yet. `released` is how many deliveries had waited for one of the new ones.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    former: int = 0
    pulses: int = 0
    failed_attempts: int = 0
    released: int = 0
    unknown_scopes: list[str] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    changed_connections: list[int] = field(default_factory=list)
    to_compare: list[int] = field(default_factory=list)
    joined: list[int] = field(default_factory=list)
    ended: set[Key] = field(default_factory=set)
    untried: set[str] = field(default_factory=set)
    held: list[Held] = field(default_factory=list)

    def note_ended(self, key: Key, before: Row, steps: Sequence[Step]) -> None:
        """Add an id to `ended` that stood at `before`, and then went these steps."""
        if any(row.standing.link in ENDED for row in (before, *(step.row for step in steps))):
            self.ended.add(key)

    def add(self, other: Recorded) -> None:
        """Add the counts of another batch; the lists of ids stay the batch's own."""
        for name in ("new", "changed", "unchanged", "former", "pulses", "failed_attempts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unknown_scopes += other.unknown_scopes


@dataclass(frozen=True, slots=True)
class _Known:
    """An integration as the recorder needs it."""

    pk: int
    provider: int
    screens: ConsentScreens


# (source, provider's slug) -> (integration, provider): committed ones, which are never deleted.
known_integrations: dict[tuple[int, str], tuple[int, int]] = {}


class Recorder:
    """Records batches of facts of one source."""

    def __init__(self, source: Source, *, quarantine_breaks: bool = False) -> None:
        """`quarantine_breaks`: that a working connection is inactive is handed back instead of being recorded."""
        self.source = source
        self.quarantine_breaks = quarantine_breaks
        self.integrations: dict[str, tuple[int, int]] = {}
        self.changes_ids = source.kind in registry.able("changes_ids")

    def record(self, batch: Sequence[Sourced], now: datetime) -> Recorded:
        """Record one batch (up to a thousand facts or so), all of it or none."""
        return retry_after_deadlock(lambda: self._record(batch, now))

    def _record(self, batch: Sequence[Sourced], now: datetime) -> Recorded:
        self._know({fact.provider for fact, _ in batch}, now)
        recorded = Recorded()
        unusual = self._without_the_usual(batch, recorded)
        if not unusual:
            return recorded
        known = self._with_screens({fact.provider for fact, _ in unusual})
        vocabulary = Vocabulary({info.provider: provider_named(slug) for slug, info in known.items()}, now)
        told: dict[Key, list[Told]] = defaultdict(list)
        for fact, origin in sorted(unusual, key=lambda sourced: sourced[0].happened_at):
            info = known[fact.provider]
            read = _read(vocabulary, info.provider, fact)
            told[info.pk, fact.user_id].append(Told(fact, read, info.screens, origin))
        recorded.unknown_scopes = [name for _, name in vocabulary.new]
        by_source = Act(None, by=self.source.key)
        with transaction.atomic():
            if self.changes_ids:
                identity.wait_for_others(told)
            people.lock_references(
                (fact.reference_id for facts in told.values() for fact, *_ in facts if fact.reference_id), shared=True
            )
            past = identity.keep_beside(told) if self.changes_ids else OfThePast()
            recorded.former = len(past.keys)
            waiting = {key: facts for key, facts in told.items() if key not in past.keys}
            while waiting:
                waiting = self._write(waiting, now, recorded)
            if self.changes_ids:
                news = identity.keep_events(told, past.keys, recorded.ended)
                recorded.joined = identity.join({*recorded.to_compare, *past.news}, news, by_source, now)
                recorded.connections += _that_go_by(told, recorded.joined)
        return recorded

    def _without_the_usual(self, batch: Sequence[Sourced], recorded: Recorded) -> list[Sourced]:
        """`batch` without the sights that tell nothing new, but for a later day, which is written to the pulse.

        That is nearly all of a listing, so no more is read or made for them than must be.
        """
        times = Counter(fact.user_id for fact, _ in batch)
        sights = [
            (self.integrations[fact.provider][0], fact)
            for fact, _ in batch
            if isinstance(fact, ConnectionSeen) and times[fact.user_id] == 1
        ]
        if not sights:
            return list(batch)
        found = rows.find_observed(sights)
        standings = facts_of({row.standing for row in found})
        usual: set[str] = set()
        pulses: list[rows.PulseSeen] = []
        renamed: list[rows.Named] = []
        beside: dict[str, ConnectionFact] = {}
        for place, pk, standing, unclaimed, undated, minted, later, is_renamed, names_another in found:
            integration, fact = sights[place]
            if self.quarantine_breaks and fact.active is False and standings[standing].link in NOT_BROKEN:
                recorded.held.append((pk, integration, fact.happened_at))
                fact = beside[fact.user_id] = replace(fact, active=None)
            if minted:
                continue
            recorded.untried.add(fact.user_id)
            if names_another or not tells_nothing(standings[standing], fact, unclaimed=unclaimed, undated=undated):
                continue
            usual.add(fact.user_id)
            recorded.connections.append(pk)
            if later:
                pulses.append(rows.PulseSeen(pk, fact.last_webhook_on, fact.last_data_on))
            if is_renamed and fact.resource:
                renamed.append(rows.Named(pk, fact.resource, fact.happened_at))
        recorded.unchanged += len(usual)
        recorded.pulses += rows.write_pulses(pulses)
        rows.write_names(renamed)
        return [(beside.get(fact.user_id, fact), origin) for fact, origin in batch if fact.user_id not in usual]

    def _write(self, told: dict[Key, list[Told]], now: datetime, recorded: Recorded) -> dict[Key, list[Told]]:
        """Record what can be recorded; returns what another process began to record at the same moment."""
        present = rows.find(told)
        standings = facts_of({row.standing for row in present.values()})
        named = _people(told, present)
        changed: list[tuple[rows.Found, list[Step]]] = []
        begun: list[tuple[Key, list[Step]]] = []
        others: dict[Key, reference_conflicts.Named] = {}
        for key, facts in told.items():
            found = present.get(key)
            if found is None:
                first, read, screens, origin = facts[0]
                before = begin(first, key[0], read, screens)
                row = _claimed(before, facts, named)
                others[key] = _others(before, row, facts)
                steps = [Step(row, first.happened_at, origin), *self._steps(row, facts[1:])]
                begun.append((key, steps))
                recorded.note_ended(key, row, steps)
                continue
            before = found.as_row(standings)
            row = _claimed(before, facts, named)
            others[key] = _others(before, row, facts)
            steps = self._steps(row, facts)
            recorded.note_ended(key, before, steps)
            if not steps and row is not before:
                claiming = next(told for told in facts if told.fact.reference_id == row.reference_id)
                steps = [Step(row, claiming.fact.happened_at, claiming.origin)]
            if steps:
                changed.append((found, steps))
                if identity.may_be_another(before, steps[-1].row):
                    recorded.to_compare.append(found.pk)
            else:
                recorded.unchanged += 1
                recorded.connections.append(found.pk)
        ids = intern(step.row.standing for _, steps in (*changed, *begun) for step in steps)
        names = _names(told)
        made = rows.insert(begun, ids, names, now)
        rows.update(changed, ids, now)
        pks = {key: found.pk for key, found in present.items()} | made
        reference_conflicts.write({pks[key]: told for key, told in others.items() if told.others and key in pks}, now)
        rows.write_names([rows.Named(present[key].pk, name, at) for key, (at, name) in names.items() if key in present])
        recorded.pulses += rows.write_pulses(_pulses(told, present, made))
        recorded.new += len(made)
        recorded.changed += len(changed)
        touched = [found.pk for found, _ in changed] + list(made.values())
        recorded.to_compare += made.values()
        recorded.changed_connections += touched
        recorded.connections += touched
        return {key: told[key] for key, _ in begun if key not in made}

    def _steps(self, row: Row, facts: Iterable[Told]) -> list[Step]:
        """The stretches that `facts` begin; a change that leaves the standing as it was joins the one before."""
        steps: list[Step] = []
        for fact, read, screens, origin in facts:
            new = after(row, fact, read, screens, self.source.listed_at)
            if new is not row:
                if steps and steps[-1].row.standing == new.standing:
                    steps[-1] = steps[-1]._replace(row=new)
                else:
                    steps.append(Step(new, fact.happened_at, origin))
                row = new
        return steps

    def _know(self, slugs: set[str], now: datetime) -> None:
        for slug in sorted(slugs - self.integrations.keys()):
            key = (self.source.pk, slug)
            if key not in known_integrations:
                integration = ensure_integration(self.source, provider_named(slug), now)
                found = (integration.pk, integration.provider_id)
                self.integrations[slug] = found
                transaction.on_commit(partial(known_integrations.__setitem__, key, found))
            else:
                self.integrations[slug] = known_integrations[key]

    def _with_screens(self, slugs: set[str]) -> dict[str, _Known]:
        screens = consent_screens_of({self.integrations[slug][0] for slug in slugs})
        return {slug: _Known(*self.integrations[slug], screens[self.integrations[slug][0]]) for slug in sorted(slugs)}


def _read(vocabulary: Vocabulary, provider: int, fact: ConnectionFact) -> Read:
    if isinstance(fact, ScopesChanged):
        removed = vocabulary.read(provider, fact.removed).kept or frozenset()
        if fact.scopes is not None:
            return vocabulary.read(provider, fact.scopes)._replace(removed=removed)
        read = vocabulary.read(provider, fact.added)
        return read._replace(kept=None, added=read.kept or frozenset(), removed=removed)
    return vocabulary.read(provider, None if isinstance(fact, LinkChanged) else fact.scopes)


@in_transaction
def transition(
    connections: Sequence[int],
    change: Callable[[StandingFacts], StandingFacts],
    origin: Origin,
    now: datetime,
) -> int:
    """Move connections to the standing that `change` makes of theirs, in one transaction; how many moved.

    For facts that are not a source's: a person's plan, a waiver, the true version of a consent.
    """
    found = rows.find_by_id(connections)
    standings = facts_of(row.standing for row in found)
    moved = []
    for row in found:
        before = row.as_row(standings)
        standing = change(before.standing)
        if standing != before.standing:
            moved.append((row, [Step(before._replace(standing=standing), now, origin)]))
    rows.update(moved, intern(steps[0].row.standing for _, steps in moved), now)
    return len(moved)


def _that_go_by(told: Iterable[Key], connections: Sequence[int]) -> list[int]:
    """Those of `connections` that go by an id that something was told of: others of the same person are no news."""
    if not connections:
        return []
    named = Connection.objects.filter(pk__in=connections, user_id__in={user_id for _, user_id in told})
    return list(named.values_list("pk", flat=True))


def _reference(facts: list[Told]) -> tuple[datetime, str] | None:
    """The first reference id that the facts name, and when; of two at one time the smaller."""
    return min(
        ((told.fact.happened_at, told.fact.reference_id) for told in facts if told.fact.reference_id), default=None
    )


def _is_earlier(named: tuple[datetime, str], at: datetime | None, reference_id: str) -> bool:
    """Whether `named` comes before what a connection is under since `at`, if that is known."""
    return not reference_id or (at is not None and named < (at, reference_id))


def _people(told: dict[Key, list[Told]], present: dict[Key, rows.Found]) -> dict[str, tuple[int, str]]:
    """Reference id -> (person, plan), for the connections that come under another than before."""
    references = set()
    for key, facts in told.items():
        found, named = present.get(key), _reference(facts)
        if named and (found is None or _is_earlier(named, found.reference_at, found.reference_id)):
            references.add(named[1])
    if not references:
        return {}
    people = among(Person.objects.all(), "reference_id", references)
    return {reference: (pk, plan) for reference, pk, plan in people.values_list("reference_id", "pk", "plan")}


def _claimed(row: Row, facts: list[Told], people: dict[str, tuple[int, str]]) -> Row:
    """`row` under the reference id that was reported of it first, of whatever arrived, with its person, if known."""
    named = _reference(facts)
    if named is None or not _is_earlier(named, row.reference_at, row.reference_id):
        return row
    at, reference = named
    if reference == row.reference_id:
        return row._replace(reference_at=at)
    person, plan = people.get(reference, (None, ""))
    if not row.reference_id:
        person = row.person or person
    standing = row.standing._replace(plan=plan)
    return row._replace(reference_id=reference, reference_at=at, person=person, standing=standing)


def _others(before: Row, row: Row, facts: list[Told]) -> reference_conflicts.Named:
    """The reference ids beside that of `row`: those that the facts name, and the one that it was under before."""
    others: dict[str, reference_conflicts.Report] = {}
    for told in facts:
        if (reference := told.fact.reference_id) and reference != row.reference_id:
            others.setdefault(reference, reference_conflicts.Report(told.fact.happened_at, told.origin))
    left, redirected_at = before.reference_id, before.reference_at
    if left and redirected_at and left != row.reference_id and (left not in others or redirected_at <= others[left].at):
        others[left] = reference_conflicts.Report(redirected_at)
    return reference_conflicts.Named(row.reference_id, others)


def _names(told: dict[Key, list[Told]]) -> dict[Key, tuple[datetime, str]]:
    """When the source last named the provider of each, and how; of two names at one time the later by letters."""
    named = {
        key: [(fact.happened_at, fact.resource) for fact, *_ in facts if fact.resource] for key, facts in told.items()
    }
    return {key: max(names) for key, names in named.items() if names}


def _pulses(
    told: dict[Key, list[Told]], present: Mapping[Key, rows.Found], made: Mapping[Key, int]
) -> list[rows.PulseSeen]:
    """What moved forward of the pulses of the connections that stood there, and all that the new ones tell."""
    moved = []
    for key, facts in told.items():
        seen = [fact for fact, *_ in facts if isinstance(fact, ConnectionSeen)]
        webhook = max((fact.last_webhook_on for fact in seen if fact.last_webhook_on), default=None)
        data = max((fact.last_data_on for fact in seen if fact.last_data_on), default=None)
        found = present.get(key)
        if found is None:
            news, pk = bool(webhook or data), made.get(key)
        else:
            pk = found.pk
            news = _is_later(webhook, found.last_webhook_on) or _is_later(data, found.last_data_on)
        if news and pk is not None:
            moved.append(rows.PulseSeen(pk, webhook, data))
    return moved


def _is_later(day: date | None, known: date | None) -> bool:
    return day is not None and (known is None or day > known)

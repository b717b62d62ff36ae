"""Record facts about connections: find the row, apply the facts in order, close a period and open the next.

Idempotent and never backwards (see `effects`). Nothing is written for a fact that changes nothing. Locks are acquired
in one order (connections by id, standings by digest, new connections by key), so that batches cannot deadlock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

from django.db import transaction

from scopes.catalogue import provider_named
from scopes.facts import ConnectionFact, ConnectionSeen, LinkChanged, LinkState, Origin, OriginKind, ScopesChanged
from scopes.intake.matching import former_ids, link_events, reconcile, reference_conflicts
from scopes.intake.matching.former_ids import FormerIds
from scopes.intake.recording import claims, people, pulses, rows
from scopes.intake.recording.effects import apply_fact, changes_nothing
from scopes.intake.recording.recorded import Recorded
from scopes.intake.recording.row import Key, PreparedFact, ReadScopes, Row, Step, first_row
from scopes.intake.recording.vocabulary import Vocabulary
from scopes.judge.policy import ConsentScreens, consent_screens_of, ensure_integration
from scopes.judge.rules import NOT_BROKEN
from scopes.judge.standing import facts_of, intern
from scopes.models import Connection, Source
from scopes.models.trail import Act
from scopes.models.transactions import retry_after_deadlock
from scopes.sources import registry

FactWithOrigin = tuple[ConnectionFact, Origin]


@dataclass(frozen=True, slots=True)
class _Integration:
    """What the recorder knows of an integration."""

    pk: int
    provider: int
    screens: ConsentScreens


# (source, provider's slug) -> (integration, provider). Committed integrations only; they are never deleted.
known_integrations: dict[tuple[int, str], tuple[int, int]] = {}


class Recorder:
    """Records batches of facts of one source."""

    def __init__(self, source: Source, *, quarantine_breaks: bool = False) -> None:
        """`quarantine_breaks`: return working connections reported as broken instead of recording that."""
        self.source = source
        self.quarantine_breaks = quarantine_breaks
        self.integrations: dict[str, tuple[int, int]] = {}
        self.changes_ids = source.kind in registry.able("changes_ids")

    def record(self, batch: Sequence[FactWithOrigin], now: datetime) -> Recorded:
        """Record one batch (up to about a thousand facts), all or nothing."""
        return retry_after_deadlock(lambda: self._record(batch, now))

    def _record(self, batch: Sequence[FactWithOrigin], now: datetime) -> Recorded:
        self._load_integrations({fact.provider for fact, _ in batch}, now)
        recorded = Recorded()
        unusual = self._without_unchanged(batch, recorded)
        if not unusual:
            return recorded
        known = self._with_screens({fact.provider for fact, _ in unusual})
        vocabulary = Vocabulary({info.provider: provider_named(slug) for slug, info in known.items()}, now)
        reported: dict[Key, list[PreparedFact]] = defaultdict(list)
        for fact, origin in sorted(unusual, key=lambda sourced: sourced[0].happened_at):
            info = known[fact.provider]
            read = _read_scopes(vocabulary, info.provider, fact)
            reported[info.pk, fact.user_id].append(PreparedFact(fact, read, info.screens, origin))
        recorded.unknown_scopes = [name for _, name in vocabulary.new]
        by_source = Act(None, by=self.source.key)
        with transaction.atomic():
            if self.changes_ids:
                reconcile.lock_ids(reported)
            people.lock_references(
                (fact.reference_id for facts in reported.values() for fact, *_ in facts if fact.reference_id),
                shared=True,
            )
            past = former_ids.record(reported, by_source, now) if self.changes_ids else FormerIds()
            recorded.former = len(past.keys)
            remaining = {key: facts for key, facts in reported.items() if key not in past.keys}
            while remaining:
                remaining = self._write(remaining, now, recorded)
            link_events.record_accounts(reported)
            if self.changes_ids:
                news = link_events.record(reported, past.keys, recorded.ended)
                recorded.merged = reconcile.reconcile({*recorded.to_compare, *past.changed}, news, by_source, now)
                recorded.connections += _current_among(reported, recorded.merged)
        return recorded

    def _without_unchanged(self, batch: Sequence[FactWithOrigin], recorded: Recorded) -> list[FactWithOrigin]:
        """`batch` without the observations that change at most the pulse or the source's name, which are written here.

        That is nearly all of a listing, so as little as possible is read and created for them.
        """
        times = Counter(fact.user_id for fact, _ in batch)
        observations = [
            (self.integrations[fact.provider][0], fact)
            for fact, origin in batch
            if isinstance(fact, ConnectionSeen) and times[fact.user_id] == 1 and origin.kind is not OriginKind.API
        ]
        if not observations:
            return list(batch)
        found = rows.find_observed(observations)
        standings = facts_of({row.standing for row in found})
        unchanged: set[str] = set()
        later_days: list[pulses.PulseDays] = []
        renamed: list[rows.SourceName] = []
        without_break: dict[str, ConnectionFact] = {}
        for place, pk, standing, unclaimed, undated, minted, later, is_renamed, names_another in found:
            integration, fact = observations[place]
            if self.quarantine_breaks and fact.active is False and standings[standing].link in NOT_BROKEN:
                recorded.quarantined.append((pk, integration, fact.happened_at, LinkState.INACTIVE.value))
                fact = without_break[fact.user_id] = replace(fact, active=None)
            if minted:
                continue
            recorded.without_attempt.add(fact.user_id)
            if names_another or not changes_nothing(standings[standing], fact, unclaimed=unclaimed, undated=undated):
                continue
            unchanged.add(fact.user_id)
            recorded.connections.append(pk)
            if later:
                later_days.append(pulses.PulseDays(pk, fact.last_webhook_on, fact.last_data_on))
            if is_renamed and fact.resource:
                renamed.append(rows.SourceName(pk, fact.resource, fact.happened_at))
        recorded.unchanged += len(unchanged)
        recorded.pulses += pulses.write(later_days)
        rows.write_names(renamed)
        return [
            (without_break.get(fact.user_id, fact), origin) for fact, origin in batch if fact.user_id not in unchanged
        ]

    def _write(
        self, reported: dict[Key, list[PreparedFact]], now: datetime, recorded: Recorded
    ) -> dict[Key, list[PreparedFact]]:
        """Record the facts of each key; returns those of connections that another process is inserting right now."""
        present = rows.find(reported)
        standings = facts_of({row.standing for row in present.values()})
        named = claims.people_by_reference(reported, present)
        changed: list[tuple[rows.Found, list[Step]]] = []
        begun: list[tuple[Key, list[Step]]] = []
        others: dict[Key, reference_conflicts.References] = {}
        for key, everything in reported.items():
            facts, found = everything, present.get(key)
            if found is None:
                first, read, screens, origin = facts[0]
                before = first_row(first, key[0], read, screens)
                row = claims.with_first_reference(before, facts, named)
                others[key] = claims.other_references(before, row, facts)
                steps = [Step(row, first.happened_at, origin), *self._steps(row, facts[1:])]
                begun.append((key, steps))
                recorded.note_ended(key, row, steps)
                continue
            before = found.as_row(standings)
            if self.quarantine_breaks:
                facts = _without_breaks(found.pk, before, facts, recorded)
            row = claims.with_first_reference(before, facts, named)
            others[key] = claims.other_references(before, row, facts)
            steps = self._steps(row, facts)
            recorded.note_ended(key, before, steps)
            if not steps and row is not before:
                claiming = next(one for one in facts if one.fact.reference_id == row.reference_id)
                steps = [Step(row, claiming.fact.happened_at, claiming.origin)]
            if steps:
                changed.append((found, steps))
                if reconcile.matters(before, steps[-1].row):
                    recorded.to_compare.append(found.pk)
            else:
                recorded.unchanged += 1
                recorded.connections.append(found.pk)
        ids = intern(step.row.standing for _, steps in (*changed, *begun) for step in steps)
        names = _newest_names(reported)
        made = rows.insert(begun, ids, names, now)
        rows.update(changed, ids, now)
        pks = {key: found.pk for key, found in present.items()} | made
        reference_conflicts.write(
            {pks[key]: references for key, references in others.items() if references.others and key in pks}, now
        )
        rows.write_names(
            [rows.SourceName(present[key].pk, name, at) for key, (at, name) in names.items() if key in present]
        )
        recorded.pulses += pulses.write(_newer_pulses(reported, present, made))
        confirmed = [found for found, steps in changed if _only_confirms(found.as_row(standings), steps[-1].row)]
        recorded.new += len(made)
        recorded.changed += len(changed) - len(confirmed)
        recorded.unchanged += len(confirmed)
        touched = [found.pk for found, _ in changed] + list(made.values())
        recorded.to_compare += made.values()
        recorded.changed_connections += touched
        recorded.connections += touched
        return {key: reported[key] for key, _ in begun if key not in made}

    def _steps(self, row: Row, facts: Iterable[PreparedFact]) -> list[Step]:
        """The changes by `facts`, one for each new standing: other changes are added to the previous one."""
        steps: list[Step] = []
        for fact, read, screens, origin in facts:
            by_host = origin.kind is OriginKind.API
            new = apply_fact(row, fact, read, screens, self.source.listed_at, by_host=by_host)
            if new is not row:
                if steps and steps[-1].row.standing == new.standing:
                    steps[-1] = steps[-1]._replace(row=new)
                else:
                    steps.append(Step(new, fact.happened_at, origin))
                row = new
        return steps

    def _load_integrations(self, slugs: set[str], now: datetime) -> None:
        for slug in sorted(slugs - self.integrations.keys()):
            key = (self.source.pk, slug)
            if key not in known_integrations:
                integration = ensure_integration(self.source, provider_named(slug), now)
                found = (integration.pk, integration.provider_id)
                self.integrations[slug] = found
                transaction.on_commit(partial(known_integrations.__setitem__, key, found))
            else:
                self.integrations[slug] = known_integrations[key]

    def _with_screens(self, slugs: set[str]) -> dict[str, _Integration]:
        screens = consent_screens_of({self.integrations[slug][0] for slug in slugs})
        return {
            slug: _Integration(*self.integrations[slug], screens[self.integrations[slug][0]]) for slug in sorted(slugs)
        }


def _only_confirms(before: Row, after: Row) -> bool:
    """Whether nothing is different but the times of what is known."""
    return after._replace(scopes_at=before.scopes_at, link_at=before.link_at) == before


def _without_breaks(pk: int, row: Row, facts: list[PreparedFact], recorded: Recorded) -> list[PreparedFact]:
    """The facts about a working connection without those that its link broke, which are quarantined."""
    if row.standing.link not in NOT_BROKEN:
        return facts
    breaks = [one for one, *_ in facts if isinstance(one, LinkChanged) and one.state not in NOT_BROKEN]
    for fact in breaks:
        recorded.quarantined.append((pk, row.integration, fact.happened_at, fact.state.value))
    return [prepared for prepared in facts if prepared.fact not in breaks]


def _read_scopes(vocabulary: Vocabulary, provider: int, fact: ConnectionFact) -> ReadScopes:
    if isinstance(fact, ScopesChanged):
        removed = vocabulary.read(provider, fact.removed).kept or frozenset()
        if fact.scopes is not None:
            return vocabulary.read(provider, fact.scopes)._replace(removed=removed)
        read = vocabulary.read(provider, fact.added)
        return read._replace(kept=None, added=read.kept or frozenset(), removed=removed)
    return vocabulary.read(provider, None if isinstance(fact, LinkChanged) else fact.scopes)


def _current_among(reported: Iterable[Key], connections: Sequence[int]) -> list[int]:
    """Those of `connections` whose current id was reported: other connections of the same person did not change."""
    if not connections:
        return []
    named = Connection.objects.filter(pk__in=connections, user_id__in={user_id for _, user_id in reported})
    return list(named.values_list("pk", flat=True))


def _newest_names(reported: dict[Key, list[PreparedFact]]) -> dict[Key, tuple[datetime, str]]:
    """The newest time and name by which the source called each provider; of two at the same time the last in order."""
    named = {
        key: [(fact.happened_at, fact.resource) for fact, *_ in facts if fact.resource]
        for key, facts in reported.items()
    }
    return {key: max(names) for key, names in named.items() if names}


def _newer_pulses(
    reported: dict[Key, list[PreparedFact]], present: Mapping[Key, rows.Found], made: Mapping[Key, int]
) -> list[pulses.PulseDays]:
    """The newer pulse days of recorded connections, and the first ones of new connections."""
    moved = []
    for key, facts in reported.items():
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
            moved.append(pulses.PulseDays(pk, webhook, data))
    return moved


def _is_later(day: date | None, known: date | None) -> bool:
    return day is not None and (known is None or day > known)

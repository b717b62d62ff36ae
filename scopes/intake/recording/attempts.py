"""Record attempts to give consent that ended without a connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from scopes.catalogue import provider_named
from scopes.facts import AttemptFailed
from scopes.judge.policy import ensure_integration
from scopes.models import Attempt, Person, Source


def key_of(source: Source, fact: AttemptFailed) -> str:
    """A key that is equal for every repeat of the same failure, so that it is recorded once."""
    attempt = fact.session_id or f"{fact.reference_id}|{fact.provider}|{fact.user_id}|{fact.happened_at.isoformat()}"
    return sha256(f"{source.key}|{attempt}|{fact.reason}".encode()).hexdigest()[:40]


def record_failures(source: Source, failures: Sequence[AttemptFailed], now: datetime) -> int:
    """Record failed attempts; returns how many were new. No connection changes: an existing one may still work."""
    if not failures:
        return 0
    references = {fact.reference_id for fact in failures if fact.reference_id}
    people = dict(Person.objects.filter(reference_id__in=references).values_list("reference_id", "pk"))
    providers = {
        slug: ensure_integration(source, provider_named(slug), now).provider_id
        for slug in {fact.provider for fact in failures if fact.provider}
    }
    before = Attempt.objects.filter(key__in=[key_of(source, fact) for fact in failures]).count()
    made = Attempt.objects.bulk_create(
        [
            Attempt(
                source=source,
                person_id=people.get(fact.reference_id or ""),
                reference_id=fact.reference_id or "",
                provider_id=providers.get(fact.provider or ""),
                key=key_of(source, fact),
                user_id=fact.user_id or "",
                session_id=fact.session_id or "",
                state=Attempt.State.FAILED,
                result=fact.reason[:200],
                message=fact.message[:500],
                started_at=fact.happened_at,
                ended_at=fact.happened_at,
            )
            for fact in failures
        ],
        ignore_conflicts=True,
    )
    return len({attempt.key for attempt in made}) - before

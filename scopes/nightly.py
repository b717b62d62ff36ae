"""The nightly job, step by step: pending deliveries, listings, live checks, waivers, catalogue, suspicions, audit.

A lock of the database session allows one run at a time. It ends with the process, so a run that is marked as running
while the lock is free was killed: the next run continues it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import F

from scopes import flow, queue
from scopes.audit import held_tokens, setup, silence
from scopes.audit.compare import compare
from scopes.audit.consistency import inconsistencies
from scopes.audit.count import count
from scopes.audit.report import as_json, findings
from scopes.judge import suspicions
from scopes.models import AuditRun, PolicyVersion, Source
from scopes.models.transactions import in_transaction
from scopes.outbox import announce, publication
from scopes.outbox import retention as outbox_retention
from scopes.rights import erased_ids, sessions
from scopes.sources.errors import SourceError
from scopes.sources.gateway import Gateway
from scopes.sync import account, deliveries, listing, live_check, quarantine, retention, second_connections
from scopes.sync.listing import ListingTaken
from scopes.sync.live_check import Checked

LOCK = 7_301_002
CHECKS = 500
SECONDS_FOR_JOBS = 600
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class AlreadyRunning(Exception):
    """Another run has the lock."""


@dataclass(frozen=True, slots=True)
class ListingResult:
    """One source's listing, and what came of asking about those that it lacked."""

    taken: ListingTaken
    checked: Checked

    def as_data(self) -> dict[str, Any]:
        """Its counts."""
        return {
            **self.taken.listing.counts,
            "gone": self.checked.gone,
            "back": self.checked.confirmed,
            "unreadable_rows": self.taken.unreadable,
        }


@contextmanager
def only_run() -> Iterator[None]:
    """Lock the nightly job within the block. Raises AlreadyRunning."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise AlreadyRunning("Another audit is running.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def run(
    gateways: Sequence[Gateway],
    *,
    offline: bool,
    clock: Callable[[], datetime],
    on_page: Callable[[int], object],
    erased_keys: Sequence[bytes] = (),
) -> AuditRun:
    """One pass over every connection, listing those of `gateways`; with `offline`, nobody is asked.

    `erased_keys` recognise erased ids, see `rights.erased_ids`; without keys that step finds nothing.

    A source that cannot be listed is reported, and the audit goes on with what is known; its run has failed.
    Raises AlreadyRunning. Whatever else stops it leaves a run that the next pass goes on with.
    """
    with only_run():
        night = AuditRun.objects.filter(state=AuditRun.State.RUNNING).first()
        if night is None:
            night = AuditRun.objects.create(started_at=clock(), offline=offline)
        else:
            night.resumed, night.offline = night.resumed + 1, offline
        _step(night, "pending deliveries")
        deliveries.process_pending(clock())
        retention.delete_old(clock())
        retention.delete_old_calls(clock())
        outbox_retention.delete_old(clock())
        if not offline:
            _step(night, "deferred jobs")
            queue.run_pending(SECONDS_FOR_JOBS, clock())
        for source in Source.objects.all():
            quarantine.apply_believed(source, clock)
        listings = {} if offline else {gateway.key: _list(night, gateway, clock, on_page) for gateway in gateways}
        deliveries.process_pending(clock())  # those that waited for a listed connection
        _step(night, "setups")
        for gateway in () if offline else gateways:
            if gateway.has_setup:
                setup.read_and_store(gateway, clock())
        _step(night, "unclaimed connections")
        flow.claim_connections(clock())
        _step(night, "n-grams of names")
        flow.fill_name_grams()
        _step(night, "waivers")
        flow.end_waivers(clock())
        _step(night, "catalogue")
        publication.publish_catalogue(clock())
        _finish_publications(clock())
        _step(night, "suspicions")
        suspicions.review(clock())
        before = AuditRun.objects.filter(state=AuditRun.State.DONE).order_by("-started_at").first()
        _step(night, "ended sessions")
        sessions.forget_ended(clock())
        _step(night, "previously erased")
        previously_erased = erased_ids.mark(erased_keys, before.started_at if before else LONG_AGO)
        _step(night, "silence")
        silence.learn(clock())
        webhooks = silence.as_data(silence.silences(clock()))
        _step(night, "count")
        night.counts = {
            **count(clock()),
            "listings": listings,
            "previously_erased": previously_erased.number,
            "failed_jobs": queue.counts().failed,
            "given_up_deliveries": deliveries.given_up().count(),
            "webhooks": webhooks,
            "refused_accounts": account.refused(),
            "tokens": held_tokens.as_data(clock()),
            "setups": setup.as_data(clock()),
        }
        night.changes = compare(_comparable(before.counts), _comparable(night.counts)) if before else {}
        _step(night, "consistency")
        inconsistent = inconsistencies()
        found = findings(night.counts, night.changes, inconsistent, listings)
        night.findings = [as_json(finding) for finding in found]
        failed = [
            f"{name} could not be listed: {result['error']}" for name, result in listings.items() if result.get("error")
        ]
        night.error = "; ".join(failed)
        night.state = AuditRun.State.FAILED if failed else AuditRun.State.DONE
        night.step, night.finished_at = "", clock()
        _finish(night)
        return night


def list_source(
    gateway: Gateway,
    clock: Callable[[], datetime],
    on_page: Callable[[int], object],
) -> ListingResult:
    """Take in everything that one source lists, ask what waits to be asked, and check what is unconfirmed.

    Raises SourceError and AlreadyListing; what was taken in until then stays, and the next time goes on from there.
    """
    source, _ = Source.objects.update_or_create(
        kind=gateway.kind.kind, name=gateway.name, defaults={"production": gateway.production}
    )
    taken = listing.take(source, gateway, clock, on_page)
    account.works(source.key, links=False)
    account.review(gateway, clock())
    quarantine.apply_believed(source, clock)
    live_check.check(live_check.pending(source=source)[:CHECKS], gateway, clock)
    second_connections.compare_accounts(gateway, clock)
    checked = live_check.check_unconfirmed(source, gateway, clock, CHECKS)
    flow.settle_overdue(source.key, clock())
    return ListingResult(taken, checked)


def _list(
    night: AuditRun,
    gateway: Gateway,
    clock: Callable[[], datetime],
    on_page: Callable[[int], object],
) -> dict[str, Any]:
    """List one source; what came of it, or the error."""
    _step(night, f"listing {gateway.key}"[:40])
    try:
        listed = list_source(gateway, clock, on_page)
    except (SourceError, listing.AlreadyListing) as error:
        if isinstance(error, SourceError):
            account.note(gateway.key, error, clock())
        return {"error": str(error)}
    night.listings.add(listed.taken.listing)
    return listed.as_data()


def _finish_publications(now: datetime) -> None:
    """Move the consents of policies published since the last run: moving them may have been interrupted."""
    last = AuditRun.objects.filter(state=AuditRun.State.DONE).order_by("-started_at").first()
    dated_back = PolicyVersion.objects.filter(in_force_from__lt=F("published_at"))
    for version in dated_back.filter(published_at__gte=last.started_at) if last else dated_back:
        flow.move_consents(version, now)


@in_transaction
def _finish(night: AuditRun) -> None:
    night.save()
    announce.audit_finished(night, night.finished_at or night.started_at)


def _step(night: AuditRun, name: str) -> None:
    night.step = name
    night.save(update_fields=["step", "resumed", "offline"])


def _comparable(counts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in counts.items() if key not in ("listings", "webhooks", "setups", "tokens")}

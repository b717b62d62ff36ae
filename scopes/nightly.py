"""The nightly job, step by step: `_steps` names them in their order.

A lock of the database session allows one run at a time. It ends with the process, so a run that is marked as running
while the lock is free was killed: the next run continues it with the step at which it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from typing import Any

from django.db.models import F

from scopes import flow, queue
from scopes.audit import held_tokens, setup, silence
from scopes.audit.compare import compare
from scopes.audit.consistency import inconsistencies
from scopes.audit.count import count
from scopes.audit.report import as_json, findings
from scopes.judge import suspicions
from scopes.models import AuditRun, PolicyVersion, Source
from scopes.models.session_locks import session_lock
from scopes.models.transactions import in_transaction
from scopes.outbox import announce, publication
from scopes.outbox import retention as outbox_retention
from scopes.rights import erased_ids, sessions
from scopes.sources.errors import SourceError
from scopes.sources.gateway import Gateway
from scopes.sync import account, deliveries, listing, live_check, quarantine, retention, second_connections
from scopes.sync.listing_lock import AlreadyListing
from scopes.sync.live_check import Checked
from scopes.sync.walk import ListingTaken

LOCK = 7_301_002
CHECKS = 500
SECONDS_FOR_JOBS = 600
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LISTING, CHECKING = "listing ", "live checks "

type Clock = Callable[[], datetime]


class AlreadyRunning(Exception):
    """Another run has the lock."""


@dataclass(frozen=True, slots=True)
class Night:
    """What the steps of a run need. `before` is the last run that was done; None where this is the first."""

    row: AuditRun
    before: AuditRun | None
    clock: Clock
    on_page: Callable[[int], object]
    erased_keys: Sequence[bytes]
    alone: bool

    def result(self, step: str) -> Any:
        """What came of a step of this run that is done; None where it has nothing to say."""
        return next((one.get("result") for one in self.row.steps if one["step"] == step), None)

    def listings(self) -> dict[str, dict[str, Any]]:
        """Source -> what came of its listing and of its live checks: counts, or `error`."""
        keys = [one["step"].removeprefix(LISTING) for one in self.row.steps if one["step"].startswith(LISTING)]
        return {key: {**self.result(LISTING + key), **(self.result(CHECKING + key) or {})} for key in keys}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run, safe to repeat. `work` returns what came of it, JSON-ready; `error` in it is a failure."""

    name: str
    work: Callable[[Night], Any]


@dataclass(frozen=True, slots=True)
class ListingResult:
    """One source's listing, and what came of asking about those that it lacked."""

    taken: ListingTaken
    checked: Checked

    def as_data(self) -> dict[str, Any]:
        """Its counts."""
        return {**_of_listing(self.taken), **_of_checks(self.checked)}


@contextmanager
def only_run() -> Iterator[None]:
    """Lock the nightly job within the block. Raises AlreadyRunning."""
    with session_lock(LOCK) as is_free:
        if not is_free:
            raise AlreadyRunning("Another audit is running.")
        yield


def run(
    gateways: Sequence[Gateway],
    *,
    offline: bool,
    clock: Clock,
    on_page: Callable[[int], object],
    erased_keys: Sequence[bytes] = (),
    alone: bool = False,
) -> AuditRun:
    """One pass over every connection, listing those of `gateways`; with `offline`, nobody is asked.

    Workers that are alive help with the listings, unless it is to be done `alone`.
    `erased_keys` recognise erased ids, see `rights.erased_ids`; without keys that step finds nothing.

    A source that cannot be listed is reported, and the audit goes on with what is known; its run has failed.
    Raises AlreadyRunning. Whatever else stops it leaves a run that the next pass goes on with.
    """
    with only_run():
        row = _begin(offline, clock())
        before = AuditRun.objects.filter(state=AuditRun.State.DONE).order_by("-started_at").first()
        night = Night(row, before, clock, on_page, erased_keys, alone)
        steps = list(_steps(gateways, offline=offline))
        done = list(takewhile(lambda pair: _is_done(*pair), zip(steps, row.steps, strict=False)))
        row.steps = row.steps[: len(done)]
        for step in steps[len(done) :]:
            _do(step, night)
        return row


def _begin(offline: bool, now: datetime) -> AuditRun:
    """The run to continue, or a new one. What was done almost a day ago, or with other options, is done anew."""
    row = AuditRun.objects.filter(state=AuditRun.State.RUNNING).first()
    if row is None:
        return AuditRun.objects.create(started_at=now, offline=offline)
    if offline != row.offline or now - row.started_at > listing.STALE:
        row.steps = []
    row.resumed, row.offline = row.resumed + 1, offline
    row.save(update_fields=["resumed", "offline", "steps"])
    return row


def _is_done(step: Step, kept: Mapping[str, Any]) -> bool:
    """Whether what a run has kept is this step's, and it did not fail."""
    result = kept.get("result")
    return bool(kept["step"] == step.name and not (isinstance(result, dict) and result.get("error")))


def _do(step: Step, night: Night) -> None:
    """Do a step, and keep with the run how many seconds it took and what came of it."""
    row, began = night.row, night.clock()
    row.step = step.name[:40]
    row.save(update_fields=["step"])
    result = step.work(night)
    kept = {"step": step.name, "seconds": round((night.clock() - began).total_seconds(), 1)}
    row.step = ""
    row.steps.append(kept if result is None else {**kept, "result": result})
    row.save(update_fields=["step", "steps"])


def _steps(gateways: Sequence[Gateway], *, offline: bool) -> Iterator[Step]:
    """The steps of a run in their order: what comes in, then what follows from it, then what is said of it."""
    yield Step("pending deliveries", _process_deliveries)
    if not offline:
        yield Step("deferred jobs", lambda night: queue.run_pending(SECONDS_FOR_JOBS, night.clock()))
    yield Step("quarantine", _apply_believed)
    for gateway in () if offline else gateways:
        yield Step(LISTING + gateway.key, partial(_list, gateway))
        yield Step(CHECKING + gateway.key, partial(_check, gateway))
    yield Step("deliveries that waited", _process_deliveries)
    for gateway in () if offline else gateways:
        if gateway.has_setup:
            yield Step(f"setup {gateway.key}", partial(_read_setup, gateway))
    yield Step("unclaimed connections", lambda night: flow.claim_connections(night.clock()))
    yield Step("n-grams of names", lambda _night: flow.fill_name_grams())
    yield Step("expiry", lambda night: flow.end_waivers(night.clock()))
    yield Step("catalogue", _publish_catalogue)
    yield Step("moves to successors", lambda night: flow.record_moves(night.clock()))
    yield Step("suspicions", _review_suspicions)
    yield Step("previously erased", _mark_erased)
    yield Step("silence", lambda night: silence.learn(night.clock()))
    yield Step("census", _count)
    yield Step("compare", _compare)
    yield Step("consistency", lambda _night: inconsistencies())
    yield Step("report", _report)
    yield Step("prune", _prune)
    yield Step("notify", _notify)


def list_source(gateway: Gateway, clock: Clock, on_page: Callable[[int], object]) -> ListingResult:
    """Take in everything that one source lists, ask what waits to be asked, and check what is unconfirmed.

    Raises SourceError and AlreadyListing; what was taken in until then stays, and the next time goes on from there.
    """
    return ListingResult(_take_listing(gateway, clock, on_page), _check_live(gateway, clock))


def _take_listing(
    gateway: Gateway, clock: Clock, on_page: Callable[[int], object], *, alone: bool = False
) -> ListingTaken:
    source, _ = Source.objects.update_or_create(
        kind=gateway.kind.kind, name=gateway.name, defaults={"production": gateway.production}
    )
    taken = listing.take(source, gateway, clock, on_page, alone=alone)
    account.works(source.key, links=False)
    account.review(gateway, clock())
    quarantine.apply_believed(source, clock)
    return taken


def _check_live(gateway: Gateway, clock: Clock) -> Checked:
    source = Source.objects.get(key=gateway.key)
    live_check.check(live_check.pending(source=source)[:CHECKS], gateway, clock)
    second_connections.compare_accounts(gateway, clock)
    checked = live_check.check_unconfirmed(source, gateway, clock, CHECKS)
    flow.settle_overdue(source.key, clock())
    return checked


def _of_listing(taken: ListingTaken) -> dict[str, Any]:
    return {**taken.listing.counts, "unreadable_rows": taken.unreadable}


def _of_checks(checked: Checked) -> dict[str, int]:
    return {"gone": checked.gone, "back": checked.confirmed}


def _list(gateway: Gateway, night: Night) -> dict[str, Any]:
    try:
        taken = _take_listing(gateway, night.clock, night.on_page, alone=night.alone)
    except (SourceError, AlreadyListing) as error:
        return _failed(gateway, error, night)
    night.row.listings.add(taken.listing)
    return _of_listing(taken)


def _check(gateway: Gateway, night: Night) -> dict[str, Any] | None:
    """Not where the listing failed: what a source that does not answer lacks is not known."""
    if night.result(LISTING + gateway.key).get("error"):
        return None
    try:
        return _of_checks(_check_live(gateway, night.clock))
    except SourceError as error:
        return _failed(gateway, error, night)


def _failed(gateway: Gateway, error: Exception, night: Night) -> dict[str, str]:
    if isinstance(error, SourceError):
        account.note(gateway.key, error, night.clock())
    return {"error": str(error)}


def _process_deliveries(night: Night) -> None:
    deliveries.process_pending(night.clock())


def _apply_believed(night: Night) -> int:
    return sum(quarantine.apply_believed(source, night.clock) for source in Source.objects.order_by("pk"))


def _read_setup(gateway: Gateway, night: Night) -> None:
    setup.read_and_store(gateway, night.clock())


def _publish_catalogue(night: Night) -> None:
    """Also moves the consents of policies published since the run before: moving them may have been interrupted."""
    publication.publish_catalogue(night.clock())
    dated_back = PolicyVersion.objects.filter(in_force_from__lt=F("published_at"))
    recent = dated_back.filter(published_at__gte=night.before.started_at) if night.before else dated_back
    for version in recent:
        flow.move_consents(version, night.clock())


def _review_suspicions(night: Night) -> None:
    suspicions.review(night.clock())


def _mark_erased(night: Night) -> int:
    return erased_ids.mark(night.erased_keys, night.before.started_at if night.before else LONG_AGO).number


def _count(night: Night) -> None:
    now = night.clock()
    night.row.counts = {
        **count(now),
        "listings": night.listings(),
        "previously_erased": night.result("previously erased"),
        "failed_jobs": queue.counts().failed,
        "given_up_deliveries": deliveries.given_up().count(),
        "webhooks": silence.as_data(silence.silences(now)),
        "refused_accounts": account.refused(),
        "tokens": held_tokens.as_data(now),
        "setups": setup.as_data(now),
    }
    night.row.save(update_fields=["counts"])


def _compare(night: Night) -> None:
    before = night.before
    night.row.changes = compare(_comparable(before.counts), _comparable(night.row.counts)) if before else {}
    night.row.save(update_fields=["changes"])


def _report(night: Night) -> None:
    row, listings = night.row, night.listings()
    found = findings(row.counts, row.changes, night.result("consistency"), listings)
    row.findings = [as_json(finding) for finding in found]
    row.error = "; ".join(
        f"{name} could not be listed: {result['error']}" for name, result in listings.items() if result.get("error")
    )
    row.save(update_fields=["findings", "error"])


def _prune(night: Night) -> dict[str, int]:
    return {
        "deliveries": retention.delete_old(night.clock()),
        "API calls": retention.delete_old_calls(night.clock()),
        "events": outbox_retention.delete_old(night.clock()),
        "sessions": sessions.forget_ended(night.clock()),
    }


@in_transaction
def _notify(night: Night) -> None:
    row = night.row
    row.state = AuditRun.State.FAILED if row.error else AuditRun.State.DONE
    row.step, row.finished_at = "", night.clock()
    row.save(update_fields=["state", "step", "finished_at"])
    announce.audit_finished(row, row.finished_at)


def _comparable(counts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in counts.items() if key not in ("listings", "webhooks", "setups", "tokens")}

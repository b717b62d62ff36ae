"""Ask a source about single connections: for an agent, in bulk, and at night about those that a listing lacks.

A check is a row that is pending until it is answered. The reply is stored on it; the facts that follow from the reply
are recorded with it or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import batched

from django.db import connection
from django.db.models import QuerySet

from scopes import flow
from scopes.facts import AccountTrouble, ConnectionFact, ConnectionSeen, LinkChanged, LinkState, Origin, OriginKind
from scopes.flow import Batches
from scopes.models import Connection, LiveCheck, Source
from scopes.models.transactions import in_transaction
from scopes.redaction import without_addresses
from scopes.sources.errors import AccountRefused, CredentialDead, RequestRefused, SourceError
from scopes.sources.gateway import Gateway
from scopes.sources.observations import Existence, ProbeResult
from scopes.sync import account

AN_HOUR_EACH = 500
IN_FLIGHT = 8
NIGHT = "nightly audit"

Answer = LiveCheck.Answer

# The states that an answer of the provider disproves. It proves nothing about missing data or a changed diary key.
DISPROVED = frozenset(
    {LinkState.ACTIVE, LinkState.UNCONFIRMED, LinkState.GONE, LinkState.TOKEN_REJECTED, LinkState.REVOKED}
    | {LinkState.DEAUTHORISED}
)
NOT_KNOWN_BROKEN = frozenset({LinkState.ACTIVE, LinkState.UNCONFIRMED, LinkState.GONE, LinkState.INACTIVE})


class TooMany(Exception):
    """The agent has checked as many connections within the hour as one may."""


@dataclass(slots=True)
class Checked:
    """The result of some checks. `unanswered` ones stay pending; `trouble` is the first error that left one so."""

    answered: int = 0
    gone: int = 0
    confirmed: int = 0
    unanswered: int = 0
    trouble: SourceError | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A source's reply about one connection. `seen` is None unless the source knows it, `probe` where nobody probed."""

    answer: Answer
    seen: ConnectionSeen | None = None
    probe: ProbeResult | None = None
    account: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A check, with its connection as recorded now. `absent`: a whole listing lacked it after it became unconfirmed."""

    check: LiveCheck
    provider: str
    link: LinkState
    absent: bool
    merged: bool = False
    probe: bool = False


def allowance(author: str, now: datetime) -> int:
    """How many connections this agent may still check within the hour."""
    used = LiveCheck.objects.filter(author=author, asked_at__gt=now - timedelta(hours=1)).count()
    return max(AN_HOUR_EACH - used, 0)


def new_checks(connections: Iterable[Connection], author: str, now: datetime) -> list[LiveCheck]:
    """Pending checks, one for each connection; stored once they are saved or answered."""
    return [LiveCheck(connection=row, user_id=row.user_id, author=author, asked_at=now) for row in connections]


def pending(pks: Sequence[int] | None = None, source: Source | None = None) -> QuerySet[LiveCheck]:
    """The stored checks that are pending, oldest first: of these ids, or about this source's connections."""
    rows = LiveCheck.objects.filter(answered_at__isnull=True).order_by("pk")
    if pks is not None:
        rows = rows.filter(pk__in=list(pks))
    return rows.filter(connection__integration__source=source) if source is not None else rows


def answer(
    checks: Iterable[LiveCheck],
    gateway: Gateway,
    clock: Callable[[], datetime],
    has_time: Callable[[], bool] = lambda: True,
) -> Checked:
    """Ask about connections of the gateway's source, several at a time, and record the replies.

    Stops when the source is down or refuses our account: the rest stays pending.
    """
    checked = Checked()
    rows = list(checks)
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="live-check") as pool:
        for batch in batched(rows, IN_FLIGHT):
            if checked.trouble or not has_time():
                break
            at = clock()
            subjects = _subjects(batch, gateway)
            for subject, reply in zip(subjects, pool.map(partial(_ask_in_thread, gateway, at), subjects), strict=True):
                if isinstance(reply, SourceError):
                    checked.trouble = checked.trouble or reply
                    continue
                _record(subject, reply, at, clock(), new=subject.check._state.adding)
                checked.answered += 1
                checked.gone += subject.absent and reply.answer is Answer.NOT_FOUND
                checked.confirmed += subject.link is LinkState.UNCONFIRMED and reply.answer is Answer.KNOWN
    checked.unanswered = len(rows) - checked.answered
    return checked


def check(
    checks: Iterable[LiveCheck],
    gateway: Gateway,
    clock: Callable[[], datetime],
    has_time: Callable[[], bool] = lambda: True,
) -> Checked:
    """As `answer`; also notes trouble with our account, and settles overdue attempts."""
    checked = answer(checks, gateway, clock, has_time)
    if checked.trouble:
        account.note(gateway.key, checked.trouble, clock())
    flow.settle_overdue(gateway.key, clock())
    return checked


def _ask_in_thread(gateway: Gateway, at: datetime, subject: Subject) -> Reply | SourceError:
    """As `_ask`; a source that reads our records leaves no database connection open in a thread of the pool."""
    try:
        return _ask(gateway, at, subject)
    finally:
        connection.close()


def _ask(gateway: Gateway, at: datetime, subject: Subject) -> Reply | SourceError:
    """The reply of the source about one connection, and of the provider, where it may be probed; or why there is none.

    A dead credential is a reply about this one connection: as if the provider had said so to a probe.
    """
    seen = None
    try:
        found = gateway.look_up(subject.check.user_id, at)
        seen = found.seen
        if found.existence is not Existence.KNOWN or not subject.probe:
            return Reply(Answer(found.existence.value), seen)
        probe = gateway.probe(subject.check.user_id)
    except CredentialDead as dead:
        return Reply(Answer.KNOWN, seen, ProbeResult.EXPIRED, detail=_words(dead))
    except RequestRefused as refused:
        return Reply(Answer.REFUSED, detail=_words(refused))
    except SourceError as error:
        return error
    return Reply(Answer.KNOWN, seen, probe.result, probe.account, probe.detail)


def facts_of(subject: Subject, reply: Reply, at: datetime) -> tuple[ConnectionFact, ...]:
    """The facts that follow from a reply. `at` is a time before the source was asked, so later facts are newer.

    Gone needs both, a complete listing without it and a 404; a 404 alone makes it unconfirmed. An `active` that is
    true proves nothing about the token; an answer of the provider does.
    """
    about = subject.provider, subject.check.user_id
    if subject.merged:
        return ()
    if reply.answer is Answer.NOT_FOUND:
        if subject.absent:
            return (LinkChanged(*about, LinkState.GONE, at, detail="404"),)
        unconfirmed = LinkChanged(*about, LinkState.UNCONFIRMED, at, detail="404")
        return (unconfirmed,) if subject.link is LinkState.ACTIVE else ()
    if reply.answer is not Answer.KNOWN:
        return ()
    facts: tuple[ConnectionFact, ...] = ()
    if reply.seen is not None:
        facts = (replace(reply.seen, provider_user_id=reply.account or None),)
        if reply.seen.active is False:
            return facts
    if reply.probe is ProbeResult.ANSWERED and subject.link in DISPROVED:
        return (*facts, LinkChanged(*about, LinkState.ACTIVE, at, detail="the provider answered"))
    if reply.probe is ProbeResult.EXPIRED and subject.link in NOT_KNOWN_BROKEN:
        return (*facts, LinkChanged(*about, LinkState.TOKEN_REJECTED, at, detail=reply.detail))
    return facts


def give_up(checks: Iterable[LiveCheck], error: SourceError, now: datetime) -> None:
    """End those of these stored checks that are pending: their answer is why the source did not reply."""
    reply = Reply(Answer.CREDENTIAL if _about_credential(error) else Answer.DOWN, detail=_words(error))
    for check in checks:
        _end(check, reply, now)


@in_transaction
def _end(check: LiveCheck, reply: Reply, now: datetime) -> None:
    if _lock_pending(check):
        _store(check, reply, now)


def check_unconfirmed(source: Source, gateway: Gateway, clock: Callable[[], datetime], limit: int) -> Checked:
    """Ask about up to `limit` unconfirmed connections. Stops when the source is down."""
    unconfirmed = Connection.objects.filter(
        integration__source=source, merged_into__isnull=True, standing__link=LinkState.UNCONFIRMED.value
    )
    return answer(new_checks(unconfirmed.order_by("pk")[:limit], NIGHT, clock()), gateway, clock)


def _subjects(checks: Sequence[LiveCheck], gateway: Gateway) -> list[Subject]:
    """The checks with their connections as recorded now, without erased ones; each asks by the id of today."""
    rows = Connection.objects.select_related("standing", "integration__provider", "integration__source").in_bulk(
        [check.connection_id for check in checks]
    )
    subjects = []
    for check in checks:
        row = rows.get(check.connection_id)
        if row is None:
            continue
        check.connection, check.user_id = row, row.user_id
        provider, listed_at = row.integration.provider, row.integration.source.listed_at
        link = LinkState(row.standing.link)
        subjects.append(
            Subject(
                check,
                provider.slug,
                link,
                absent=link is LinkState.UNCONFIRMED and listed_at is not None and listed_at >= row.link_at,
                merged=row.merged_into_id is not None,
                probe=gateway.probes and not provider.on_device,
            )
        )
    return subjects


@in_transaction
def _record(subject: Subject, reply: Reply, at: datetime, now: datetime, *, new: bool) -> None:
    """`new`: the check is not stored yet. The row itself can't say: after a deadlock it only seems to be stored."""
    check = subject.check
    source = check.connection.integration.source
    if new:
        check.save()
    elif not _lock_pending(check):
        return
    if facts := facts_of(subject, reply, at):
        Batches(source)(facts, Origin(source.key, OriginKind.LIVE_CHECK, f"live_check:{check.pk}"), now)
    _store(check, reply, now)


def _lock_pending(check: LiveCheck) -> bool:
    """Lock the check; False where it has been answered or erased by now."""
    rows = LiveCheck.objects.select_for_update().filter(pk=check.pk, answered_at__isnull=True)
    return rows.exists()


def _store(check: LiveCheck, reply: Reply, now: datetime) -> None:
    seen = reply.seen
    check.answered_at, check.answer, check.detail = now, reply.answer.value, reply.detail
    check.probe, check.account = reply.probe.value if reply.probe else "", reply.account
    if seen is not None:
        check.active, check.consented_at, check.last_data_on = seen.active, seen.created_at, seen.last_data_on
        check.scopes = None if seen.scopes is None else list(seen.scopes)
    check.save()


def _about_credential(error: SourceError) -> bool:
    return isinstance(error, AccountRefused) and error.trouble is AccountTrouble.CREDENTIAL


def _words(error: SourceError) -> str:
    return without_addresses(str(error))

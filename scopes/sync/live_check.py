"""Ask a source about single connections: at an agent's wish, in bulk, and at night to prove what a listing lacks.

A check is a row that waits until it is answered. The answer is kept on it; what follows from that are facts, which are
recorded with the answer or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import batched

from django.db.models import F, Q, QuerySet

from scopes import flow
from scopes.facts import AccountTrouble, ConnectionFact, ConnectionSeen, LinkChanged, LinkState, Origin, OriginKind
from scopes.flow import Batches
from scopes.models import Attempt, Connection, LiveCheck, Source
from scopes.models.transactions import in_transaction
from scopes.redaction import without_addresses
from scopes.sources.errors import AccountRefused, RequestRefused, SourceError
from scopes.sources.gateway import Gateway
from scopes.sources.observations import Existence, ProbeResult
from scopes.sync import account

AN_HOUR_EACH = 500
IN_FLIGHT = 8
LOOKED_BACK = timedelta(days=2)
NIGHT, SECOND = "nightly audit", "second connections"

Answer = LiveCheck.Answer

# What a provider that answers disproves. An account without data and a changed diary key it says nothing of.
DISPROVED = frozenset(
    {LinkState.ACTIVE, LinkState.UNCONFIRMED, LinkState.GONE, LinkState.TOKEN_REJECTED, LinkState.REVOKED}
    | {LinkState.DEAUTHORISED}
)
THOUGHT_ALIVE = frozenset({LinkState.ACTIVE, LinkState.UNCONFIRMED, LinkState.GONE, LinkState.INACTIVE})


class TooMany(Exception):
    """The agent has asked about as many connections within the hour as one may."""


@dataclass(slots=True)
class Checked:
    """What came of asking. `unanswered` stay as they were; `trouble` says why, the first time it happened."""

    asked: int = 0
    gone: int = 0
    back: int = 0
    unanswered: int = 0
    trouble: SourceError | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the source answered about one connection. `seen` is None unless it knows it; `probe` where nobody probed."""

    answer: Answer
    seen: ConnectionSeen | None = None
    probe: ProbeResult | None = None
    account: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One connection that is asked about, as it stands. `absent`: since it was doubted, a whole listing lacked it."""

    check: LiveCheck
    provider: str
    link: LinkState
    absent: bool
    merged: bool = False
    probe: bool = False


def allowance(author: str, now: datetime) -> int:
    """About how many connections this agent may still ask within the hour."""
    asked = LiveCheck.objects.filter(author=author, asked_at__gt=now - timedelta(hours=1)).count()
    return max(AN_HOUR_EACH - asked, 0)


def ask_about(connections: Iterable[Connection], author: str, now: datetime) -> list[LiveCheck]:
    """Checks that wait, one a connection; kept once they are saved or answered."""
    return [LiveCheck(connection=row, user_id=row.user_id, author=author, asked_at=now) for row in connections]


def waiting(pks: Sequence[int] | None = None, source: Source | None = None) -> QuerySet[LiveCheck]:
    """The kept checks that wait for their answer, oldest first: of these ids, or about this source's connections."""
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
    """Ask about connections of the gateway's source, several at a time, and record what follows.

    When the source is down or does not accept us, we stop: the rest waits.
    """
    checked = Checked()
    left = list(checks)
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="live-check") as pool:
        for batch in batched(left, IN_FLIGHT):
            if checked.trouble or not has_time():
                break
            at = clock()
            asked = _as_they_stand(batch, gateway)
            for one, said in zip(asked, pool.map(partial(ask, gateway, at), asked), strict=True):
                if isinstance(said, SourceError):
                    checked.trouble = checked.trouble or said
                    continue
                _record(one, said, at, clock(), new=one.check._state.adding)
                checked.asked += 1
                checked.gone += one.absent and said.answer is Answer.NOT_FOUND
                checked.back += one.link is LinkState.UNCONFIRMED and said.answer is Answer.KNOWN
    checked.unanswered = len(left) - checked.asked
    return checked


def check(
    checks: Iterable[LiveCheck],
    gateway: Gateway,
    clock: Callable[[], datetime],
    has_time: Callable[[], bool] = lambda: True,
) -> Checked:
    """As `answer`; trouble with our account is noted, and links whose attempts are overdue are settled."""
    checked = answer(checks, gateway, clock, has_time)
    if checked.trouble:
        account.note(gateway.key, checked.trouble, clock())
    flow.settle_overdue(gateway.key, clock())
    return checked


def ask(gateway: Gateway, at: datetime, asked: Asked) -> Said | SourceError:
    """What the source says of one connection, and the provider, where it may be probed; or why nobody does."""
    try:
        found = gateway.look_up(asked.check.user_id, at)
    except RequestRefused as refused:
        return Said(Answer.REFUSED, detail=_words(refused))
    except SourceError as error:
        return error
    if found.existence is not Existence.KNOWN or not asked.probe:
        return Said(Answer(found.existence.value), found.seen)
    probe = gateway.probe(asked.check.user_id)
    return Said(Answer.KNOWN, found.seen, probe.result, probe.account, probe.detail)


def facts_of(asked: Asked, said: Said, at: datetime) -> tuple[ConnectionFact, ...]:
    """What follows from the answer. `at` is before it was asked: what happened since is newer.

    Gone needs both, a complete listing without it and a 404; a 404 alone is a suspicion. An `active` that is true
    proves nothing of the token; a provider that answers does.
    """
    about = asked.provider, asked.check.user_id
    if asked.merged:
        return ()
    if said.answer is Answer.NOT_FOUND:
        if asked.absent:
            return (LinkChanged(*about, LinkState.GONE, at, detail="404"),)
        return (LinkChanged(*about, LinkState.UNCONFIRMED, at, detail="404"),) if asked.link is LinkState.ACTIVE else ()
    if said.answer is not Answer.KNOWN or said.seen is None:
        return ()
    facts: tuple[ConnectionFact, ...] = (replace(said.seen, provider_user_id=said.account or None),)
    if said.seen.active is False:
        return facts
    if said.probe is ProbeResult.ANSWERED and asked.link in DISPROVED:
        return (*facts, LinkChanged(*about, LinkState.ACTIVE, at, detail="the provider answered"))
    if said.probe is ProbeResult.EXPIRED and asked.link in THOUGHT_ALIVE:
        return (*facts, LinkChanged(*about, LinkState.TOKEN_REJECTED, at, detail=said.detail))
    return facts


def give_up(checks: Iterable[LiveCheck], error: SourceError, now: datetime) -> None:
    """Nobody asks again: what waits of these kept checks is answered with the reason why the source said nothing."""
    said = Said(Answer.CREDENTIAL if _about_credential(error) else Answer.DOWN, detail=_words(error))
    for check in checks:
        _answer_if_it_waits(check, said, now)


@in_transaction
def _answer_if_it_waits(check: LiveCheck, said: Said, now: datetime) -> None:
    if _waits(check):
        _keep(check, said, now)


def check_unconfirmed(source: Source, gateway: Gateway, clock: Callable[[], datetime], limit: int) -> Checked:
    """Ask about up to `limit` unconfirmed connections. When the source is down, we stop."""
    unconfirmed = Connection.objects.filter(
        integration__source=source, merged_into__isnull=True, standing__link=LinkState.UNCONFIRMED.value
    )
    return answer(ask_about(unconfirmed.order_by("pk")[:limit], NIGHT, clock()), gateway, clock)


def separate_accounts(gateway: Gateway, clock: Callable[[], datetime]) -> Checked:
    """Where a link's consent made a second connection, ask whose accounts both are; where the provider may be probed.

    Equal accounts make them one again, different ones are a wrong account: without this, that is only guessed.
    """
    if not gateway.probes:
        return Checked()
    now = clock()
    second = (
        Attempt.objects.filter(
            source__key=gateway.key,
            state=Attempt.State.SUCCEEDED,
            ended_at__gt=now - LOOKED_BACK,
            connection__isnull=False,
            connection__merged_into__isnull=True,
            link__connection__isnull=False,
            link__connection__merged_into__isnull=True,
        )
        .exclude(connection=F("link__connection"))
        .filter(Q(connection__provider_user_id="") | Q(link__connection__provider_user_id=""))
        .exclude(connection__live_checks__author=SECOND)
        .select_related("connection", "link__connection")
        .order_by("pk")
    )
    # The one that was to be fixed first: what is told of the second settles the link.
    both = [row for one in second for row in (one.link.connection, one.connection) if row]  # type: ignore[union-attr]
    return answer(ask_about(dict.fromkeys(both), SECOND, now), gateway, clock)


def _as_they_stand(checks: Sequence[LiveCheck], gateway: Gateway) -> list[Asked]:
    """The checks with what is recorded now, unless it was erased; each asks by the id that its connection has now."""
    rows = Connection.objects.select_related("standing", "integration__provider", "integration__source").in_bulk(
        [check.connection_id for check in checks]
    )
    asked = []
    for check in checks:
        row = rows.get(check.connection_id)
        if row is None:
            continue
        check.connection, check.user_id = row, row.user_id
        provider, listed_at = row.integration.provider, row.integration.source.listed_at
        link = LinkState(row.standing.link)
        asked.append(
            Asked(
                check,
                provider.slug,
                link,
                absent=link is LinkState.UNCONFIRMED and listed_at is not None and listed_at >= row.link_at,
                merged=row.merged_into_id is not None,
                probe=gateway.probes and not provider.on_device,
            )
        )
    return asked


@in_transaction
def _record(asked: Asked, said: Said, at: datetime, now: datetime, *, new: bool) -> None:
    """`new`: the check is not stored yet. It can't be asked itself, for a deadlock may have ended what stored it."""
    check = asked.check
    source = check.connection.integration.source
    if new:
        check.save()
    elif not _waits(check):
        return
    if facts := facts_of(asked, said, at):
        Batches(source)(facts, Origin(source.key, OriginKind.LIVE_CHECK, f"live_check:{check.pk}"), now)
    _keep(check, said, now)


def _waits(check: LiveCheck) -> bool:
    """Whether it waits still, which nobody else changes then: it may have been answered meanwhile, or erased."""
    rows = LiveCheck.objects.select_for_update().filter(pk=check.pk, answered_at__isnull=True)
    return rows.exists()


def _keep(check: LiveCheck, said: Said, now: datetime) -> None:
    seen = said.seen
    check.answered_at, check.answer, check.detail = now, said.answer.value, said.detail
    check.probe, check.account = said.probe.value if said.probe else "", said.account
    if seen is not None:
        check.active, check.consented_at, check.last_data_on = seen.active, seen.created_at, seen.last_data_on
        check.scopes = None if seen.scopes is None else list(seen.scopes)
    check.save()


def _about_credential(error: SourceError) -> bool:
    return isinstance(error, AccountRefused) and error.trouble is AccountTrouble.CREDENTIAL


def _words(error: SourceError) -> str:
    return without_addresses(str(error))

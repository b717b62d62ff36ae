"""Refresh tokens before they end, several at a time, each connection once at a time over all processes.

A refresh token that rotates works once. So it is leased first, which is committed; then the request is sent; and what
came of it is stored before anybody uses it. Where an answer was lost, nobody knows whether the token was used up: it is
sent once more only where the provider's entry says that this is allowed, and is never called rejected for that.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from django.conf import settings
from django.urls import reverse

from scopes.catalogue.entries import Provider
from scopes.catalogue.oauth import Rotates
from scopes.facts import Fact, LinkChanged, LinkState, ScopesChanged
from scopes.models import Token
from scopes.redaction import without_addresses
from scopes.sources.calls import Limits
from scopes.sources.errors import (
    AccountRefused,
    CredentialDead,
    NotConfigured,
    RequestRefused,
    SourceError,
    SourceUnavailable,
)
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2 import granted, leases, vault
from scopes.sources.oauth2.answers import TokenAnswer
from scopes.sources.oauth2.leases import LEASE, Claimed, Outcome
from scopes.sources.oauth2.server import Server
from scopes.sources.observations import AccessToken

IN_FLIGHT = 16
# A lease lasts longer than the longest request that keeps to them.
LIMITS = Limits(connect=5.0, read=10.0, total=15.0, longest_wait=10.0)
SENT_WITHIN = LEASE / 4
# So many failures, one after the other, mean that it is not about single connections.
MOST_FAILURES = 3
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
SECOND_TRY_AFTER = timedelta(minutes=5)
# A commit costs as much for many.
GATHER_SECONDS = 0.02
# An access token that ends within that is not used any more.
NEARLY_ENDED = timedelta(seconds=30)
WAIT_SECONDS, LOOK_EVERY_SECONDS = 10.0, 0.1

# Nothing proves that the token of such a connection does not work.
THOUGHT_ALIVE = frozenset({LinkState.ACTIVE, LinkState.UNCONFIRMED, LinkState.GONE, LinkState.INACTIVE})
# What a refresh that succeeds disproves.
DISPROVED = frozenset({LinkState.UNCONFIRMED, LinkState.TOKEN_REJECTED, LinkState.REVOKED, LinkState.DEAUTHORISED})
NOT_REFRESHED = "its access token does not work any more, and there is no refresh token"
MANY_REFUSED = "the provider refuses the refresh tokens of many connections at once, so none of them ends for now"
UNCERTAIN = "the answer to a refresh was lost, so nobody knows whether the refresh token was used up"

log = logging.getLogger(__name__)

type Clock = Callable[[], datetime]
# The provider's reply; None where it was not asked.
type Reply = TokenAnswer | SourceError | vault.NotOpened | NotConfigured | None


@dataclass(frozen=True, slots=True)
class Refresher:
    """The tokens of the source `kind:name`, whose provider the catalogue describes by `entry`."""

    kind: str
    name: str
    entry: Provider
    server: Server

    def due(self, clock: Clock, has_time: Callable[[], bool]) -> Iterator[tuple[Fact, ...]]:
        """Refresh what is due; the facts of each few, once their tokens are stored.

        Raises AccountRefused at the end, where our client is refused; nobody's connection changes then. Where the
        provider does not answer, it stops.
        """
        run = _Run()
        flying: dict[Future[Reply], Claimed] = {}
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="refresh") as pool:
            try:
                while True:
                    # The first alone finds out whether they answer.
                    room = (IN_FLIGHT if run.answered else 1) - len(flying)
                    if not run.stopped and 2 * room >= IN_FLIGHT * run.answered and has_time():
                        claimed = leases.claim_due(self.kind, self.name, room, clock()) if room else []
                        flying |= {pool.submit(self._ask, one, clock): one for one in claimed}
                    if not flying:
                        break
                    facts = self._store(_done(flying), run, clock())
                    if run.answered:
                        yield facts
            finally:
                # Whatever ends it, no answer that came is lost.
                while flying:
                    self._store(_done(flying), run, clock())
        if run.refused is not None:
            raise run.refused

    def usable(self, connection_pk: int, clock: Clock, *, rejected: str = "") -> TokenAnswer:
        """Tokens of the connection that work now; refreshed where they are due, or the access token is `rejected`.

        Raises CredentialDead where there are none any more, SourceUnavailable where nobody knows, other SourceErrors as
        a refresh does.
        """
        fresh = self._fresh(connection_pk, clock, rejected)
        if fresh.held is None:
            raise fresh.dead or CredentialDead("we hold no tokens of this connection")
        return fresh.held

    def access_token(self, connection_pk: int, clock: Clock) -> AccessToken:
        """The access token of the connection, refreshed where it is due; empty where its credential is dead.

        Raises SourceErrors as `usable` does for everything else.
        """
        fresh = self._fresh(connection_pk, clock)
        return AccessToken(fresh.held.access if fresh.held else "", fresh.expires_at, fresh.facts)

    def _fresh(self, connection_pk: int, clock: Clock, rejected: str = "") -> _Fresh:
        ends = time.monotonic() + WAIT_SECONDS
        facts: tuple[LinkChanged | ScopesChanged, ...] = ()
        waited = refreshed = False
        while True:
            row = Token.objects.filter(pk=connection_pk).first()
            held = opened(row) if row is not None else None
            if row is None or held is None:
                return _Fresh(facts=facts)
            now, expires_at = clock(), row.access_expires_at
            margin = timedelta() if waited or held.refresh is None else NEARLY_ENDED
            works = held.access != rejected and (expires_at is None or now < expires_at - margin)
            if works or refreshed:
                return _Fresh(held, expires_at, facts)
            if held.refresh is None:
                return _Fresh(facts=self._ended(row, now), dead=CredentialDead(NOT_REFRESHED))
            if waited and row.refreshing_since is None and row.error:
                # Whoever refreshed them failed: the provider is not asked once more for each who waited.
                raise SourceUnavailable(row.error, sent=False)
            # One that is leased is read again first: that lease may have ended since, with a failure.
            claimed = None if leases.is_leased(row, now) else leases.claim_one(self.kind, self.name, row, now)
            if claimed is not None:
                reply, facts = self._refresh_now(claimed, clock)
                refreshed = isinstance(reply, TokenAnswer)
                if isinstance(reply, CredentialDead):
                    return _Fresh(facts=facts, dead=reply)
            elif time.monotonic() > ends:
                raise SourceUnavailable("its tokens are being refreshed by another process", sent=False)
            else:
                waited = True
                time.sleep(LOOK_EVERY_SECONDS)

    def _ended(self, row: Token, now: datetime) -> tuple[LinkChanged, ...]:
        """That an access token which nothing refreshes has ended, as the night would find it."""
        ended, about = row.access_expires_at, row.connection
        if ended is None or ended > now or LinkState(about.standing.link) not in THOUGHT_ALIVE:
            return ()
        return (LinkChanged(self.entry.slug, about.user_id, LinkState.TOKEN_REJECTED, ended, detail=NOT_REFRESHED),)

    def _refresh_now(self, claimed: Claimed, clock: Clock) -> tuple[Reply, tuple[LinkChanged | ScopesChanged, ...]]:
        """What the provider says where that is new tokens or the end of them, and its facts; raises everything else.

        Nothing and no facts where somebody else has stored another refresh token meanwhile.
        """
        reply = self._ask(claimed, clock)
        now = clock()
        [(_, reply)] = self._believed([(claimed, reply)], now)
        outcome = self._outcome(claimed, reply, now)
        if not leases.write([outcome], self.server.oauth, now):
            return None, ()
        if isinstance(reply, TokenAnswer | CredentialDead):
            return reply, tuple(self._facts(claimed, reply, now))
        raise reply if isinstance(reply, SourceError) else SourceUnavailable(outcome.error, sent=False)

    def _ask(self, one: Claimed, clock: Clock) -> Reply:
        """What the provider says; also from a thread of the pool, so without the database."""
        if one.losses and not self._may_ask_again(one, clock()):
            return None
        if clock() - one.lease > SENT_WITHIN:
            return None
        server = self.server
        try:
            return authorization_server.refresh(
                server.oauth, server.client, one.refresh_token(), server.calls, self._callback_url()
            )
        except (SourceError, vault.NotOpened, NotConfigured) as problem:
            return problem

    def _callback_url(self) -> str:
        """The redirect URI; empty where it is not wanted, or the address of this site is not known."""
        if not self.server.oauth.refresh.redirect_uri or not settings.PORTAL_URL:
            return ""
        return f"{settings.PORTAL_URL}{reverse('reauth_callback', args=[self.kind, self.name])}"

    def _store(self, done: Iterable[tuple[Claimed, Reply]], run: _Run, now: datetime) -> tuple[Fact, ...]:
        """Store what came of some; their facts."""
        outcomes = [(self._outcome(one, reply, now), reply) for one, reply in self._believed(done, now)]
        written = leases.write([outcome for outcome, _ in outcomes], self.server.oauth, now)
        for _, reply in outcomes:
            run.note(reply)
        if run.pause is not None:
            leases.postpone(self.kind, self.name, now + run.pause)
            run.pause = None
        return tuple(
            fact
            for outcome, reply in outcomes
            if outcome.claimed.pk in written
            for fact in self._facts(outcome.claimed, reply, now)
        )

    def _believed(self, done: Iterable[tuple[Claimed, Reply]], now: datetime) -> list[tuple[Claimed, Reply]]:
        """`done`; where the refresh tokens of many are refused at once, those that are refused now are kept."""
        replies = list(done)
        if any(isinstance(reply, CredentialDead) for _, reply in replies) and leases.many_end(
            self.kind, self.name, now
        ):
            kept = SourceUnavailable(MANY_REFUSED, status=HTTPStatus.BAD_REQUEST)
            return [(one, kept if isinstance(reply, CredentialDead) else reply) for one, reply in replies]
        return replies

    def _outcome(self, one: Claimed, reply: Reply, now: datetime) -> Outcome:
        if isinstance(reply, TokenAnswer):
            return Outcome(one, answer=reply)
        if isinstance(reply, CredentialDead):
            return Outcome(one, end=True)
        if isinstance(reply, AccountRefused):
            return Outcome(one)
        if reply is None:
            given_up = one.losses and not self._may_ask_again(one, now)
            return Outcome(one, error=UNCERTAIN, uncertain=True) if given_up else Outcome(one)
        words = without_addresses(str(reply))
        if (
            isinstance(reply, SourceUnavailable)
            and _is_lost(reply)
            and self.server.oauth.refresh.rotates is not Rotates.NO
        ):
            return Outcome(one, error=f"{words}; {UNCERTAIN}", retry_at=self._second_try(one, now), uncertain=True)
        pause = reply.retry_after if isinstance(reply, SourceUnavailable) else None
        return Outcome(one, error=words, retry_at=max(_next_try(one, now), now + _seconds(pause)))

    def _may_ask_again(self, one: Claimed, now: datetime) -> bool:
        """Whether the entry allows to send a refresh token again that may have been used up."""
        refresh = self.server.oauth.refresh
        if refresh.rotates is Rotates.NO:
            return True
        if one.losses > 1 or one.uncertain_since is None:
            return False
        if refresh.grace_seconds:
            return now < one.uncertain_since + _seconds(refresh.grace_seconds)
        return refresh.may_retry

    def _second_try(self, one: Claimed, now: datetime) -> datetime | None:
        """When to send it once more, at once where the grace is short; None where that is not allowed."""
        refresh = self.server.oauth.refresh
        if one.losses or not (refresh.may_retry or refresh.grace_seconds):
            return None
        grace = refresh.grace_seconds
        return now if grace and _seconds(grace) < 2 * SECOND_TRY_AFTER else now + SECOND_TRY_AFTER

    def _facts(self, one: Claimed, reply: Reply, now: datetime) -> Iterator[LinkChanged | ScopesChanged]:
        link = LinkState(one.link)
        if isinstance(reply, CredentialDead):
            if link in THOUGHT_ALIVE:
                detail = without_addresses(str(reply))
                yield LinkChanged(one.provider, one.user_id, LinkState.TOKEN_REJECTED, now, detail=detail)
        elif isinstance(reply, TokenAnswer):
            if link in DISPROVED:
                yield LinkChanged(one.provider, one.user_id, LinkState.ACTIVE, now, detail="its tokens were refreshed")
            if (scopes := self._scopes(reply, one.reported)) is not None:
                yield ScopesChanged(one.provider, one.user_id, now, scopes=scopes)

    def _scopes(self, answer: TokenAnswer, reported: frozenset[str] | None) -> tuple[str, ...] | None:
        """The scopes that an answer reports, where they are others than those that were reported before."""
        scopes = granted.in_refresh(answer, self.server.oauth, self.entry, reported)
        if scopes is None or reported is None:
            return scopes
        return None if self.entry.held(frozenset(scopes)) == self.entry.held(reported) else scopes


@dataclass(frozen=True, slots=True)
class _Fresh:
    """Tokens that work now, or None; `dead` is why, where the provider says so. `facts` are what a refresh reported."""

    held: TokenAnswer | None = None
    expires_at: datetime | None = None
    facts: tuple[LinkChanged | ScopesChanged, ...] = ()
    dead: CredentialDead | None = None


def opened(row: Token) -> TokenAnswer | None:
    """The tokens in a row, decrypted; None where it holds none. Raises RequestRefused where they do not open."""
    if row.access is None:
        return None
    try:
        access = vault.open_(row.pk, "access", row.access)
        refresh = vault.open_(row.pk, "refresh", row.refresh) if row.refresh is not None else None
    except (vault.NotOpened, NotConfigured) as problem:
        raise RequestRefused(str(problem), status=0) from None
    return TokenAnswer(access, refresh)


@dataclass(slots=True)
class _Run:
    """How it goes: whether anybody answered, how many failed since, and how long they ask us to wait."""

    answered: bool = False
    failures: int = 0
    pause: timedelta | None = None
    refused: AccountRefused | None = None

    @property
    def stopped(self) -> bool:
        return self.refused is not None or self.failures >= MOST_FAILURES

    def note(self, reply: Reply) -> None:
        if isinstance(reply, AccountRefused):
            self.refused = self.refused or reply
        elif isinstance(reply, SourceUnavailable):
            self.failures += 1
            if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.retry_after:
                self.failures = MOST_FAILURES
                self.pause = max(self.pause or timedelta(), _seconds(reply.retry_after))
            if self.stopped:
                log.warning("refreshing stops for now: %s", without_addresses(str(reply)))
        elif isinstance(reply, TokenAnswer | SourceError):
            self.answered, self.failures = True, 0


def _done(flying: dict[Future[Reply], Claimed]) -> list[tuple[Claimed, Reply]]:
    """Wait for one, and a little for more, which are stored together; those that are done leave `flying`."""
    wait(flying, return_when=FIRST_COMPLETED)
    done, _ = wait(flying, timeout=GATHER_SECONDS)
    return [(flying.pop(one), _reply_of(one)) for one in done]


def _reply_of(done: Future[Reply]) -> Reply:
    """What it brought; a fault of ours must not cost the others their tokens. Its text may hold a token."""
    if (fault := done.exception()) is not None:
        log.error("a refresh failed: %s", type(fault).__name__)
        return SourceUnavailable(f"our own request failed ({type(fault).__name__})")
    return done.result()


def _is_lost(error: SourceUnavailable) -> bool:
    """Whether it may have been done, and only the answer did not reach us, or not whole."""
    status = error.status
    if status is None or not error.sent:
        return error.sent
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status in (
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.GATEWAY_TIMEOUT,
    )


def _next_try(one: Claimed, now: datetime) -> datetime:
    """After a minute, and then always as long again as it has failed already, at most an hour."""
    failing = now - one.failing_since if one.failing_since else timedelta()
    return now + min(max(failing, FIRST_PAUSE), LONGEST_PAUSE)


def _seconds(seconds: float | None) -> timedelta:
    return timedelta(seconds=min(seconds or 0.0, 24 * 3600.0))

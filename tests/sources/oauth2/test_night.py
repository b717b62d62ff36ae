"""A night walks the connections whose tokens we hold: it refreshes, asks, concludes, and writes nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes import nightly
from scopes.catalogue import provider_named
from scopes.catalogue.oauth import Account, AccountFrom, Introspection, OAuth, Report, ReportedAt, Rotates
from scopes.facts import ConnectionSeen, LinkChanged, LinkState
from scopes.models import Connection, Incident, Listing, Period, QuarantinedFact, Source, Token
from scopes.sources.calls import Calls
from scopes.sources.errors import AccountRefused
from scopes.sources.gateway import Gateway, Patience
from scopes.sources.oauth2 import night, tokens
from scopes.sources.oauth2.clients import Client
from scopes.sources.oauth2.gateway import OAuth2Gateway
from scopes.sources.oauth2.kind import OAuth2Kind
from scopes.sources.oauth2.night import Night
from scopes.sources.oauth2.refresh import Refresher
from scopes.sources.oauth2.server import Server
from scopes.sources.observations import Existence, Page, ProbeResult, Range
from scopes.sync import listing, quarantine
from scopes.sync.walk import ListingTaken
from tests import cast
from tests.sources.oauth2 import holding
from tests.sources.oauth2.holding import SCOPES, held

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


class Provider:
    """A provider on the loopback: who is asked about, and what it says of whom."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Callable[[], Response]] = {}
        self.scopes: dict[str, str] = {}
        self.inactive: set[str] = set()
        self.url = server.url_for("")
        server.expect_request("/me").respond_with_handler(self.account)
        server.expect_request("/introspect").respond_with_handler(self.introspection)
        server.expect_request("/token").respond_with_handler(self.refresh)

    def account(self, request: Request) -> Response:
        name = request.headers["Authorization"].rpartition("-of-")[2]
        self.asked.append(name)
        return self.answers[name]() if name in self.answers else answer({"id": name})

    def introspection(self, request: Request) -> Response:
        name = request.form["token"].rpartition("-of-")[2]
        scope = self.scopes.get(name, " ".join(SCOPES))
        return answer({"active": name not in self.inactive, "scope": scope, "sub": name})

    def refresh(self, request: Request) -> Response:
        name = request.form["refresh_token"].rpartition("-of-")[2]
        if name in self.inactive:
            return answer({"error": "invalid_grant"}, 400)
        return answer({"access_token": f"access-2-of-{name}", "token_type": "bearer", "expires_in": 10 * 3600})

    def oauth(self, *, introspects: bool = False, **how: object) -> OAuth:
        plain = holding.oauth(f"{self.url}/token", **how)
        me = Account(AccountFrom.ENDPOINT, ("id",), f"{self.url}/me")
        if not introspects:
            return replace(plain, account=me)
        reports = (Report(ReportedAt.INTROSPECTION),)
        return replace(plain, account=me, introspection=Introspection(f"{self.url}/introspect"), reports=reports)

    def refresher(self, oauth: OAuth | None = None) -> Refresher:
        client = Client(name="acme", client_id="us", client_secret="a-client-secret", provider=holding.PROVIDER)
        server = Server(oauth or self.oauth(), client, Calls())
        return Refresher("oauth2", "acme", provider_named(holding.PROVIDER), server)


def answer(data: dict[str, object], status: int = 200) -> Response:
    return Response(json.dumps(data), status, content_type="application/json")


@pytest.fixture
def provider(httpserver: HTTPServer) -> Provider:
    return Provider(httpserver)


def hold(provider: Provider, *names: str, age: timedelta = timedelta(), oauth: OAuth | None = None) -> list[Token]:
    """Connections whose access tokens last ten hours, from consents of some time ago."""
    at = timezone.now() - age
    return [held(name, at, oauth or provider.oauth(), expires_in=10 * 3600) for name in names]


def not_asked_for(days: int) -> None:
    Token.objects.update(asked_at=timezone.now() - timedelta(days=days))


def walk(provider: Provider, *, every: int = 7, start: int = 0, oauth: OAuth | None = None) -> list[Page]:
    pages = list(Night(provider.refresher(oauth), every, timezone.now).pages(Range(start, None)))
    for page in pages:
        if page.on_recorded is not None:
            page.on_recorded()
    return pages


def changes(pages: list[Page]) -> dict[str, tuple[str, str]]:
    found = [change for page in pages for change in page.changes]
    return {one.user_id: (one.state.value, one.detail) for one in found if isinstance(one, LinkChanged)}


class Listed(Gateway):
    """The source as the night lists it."""

    kind, name, production, requests_per_second = OAuth2Kind(), "acme", False, 0.0
    probes, has_setup, insecure_origin = False, False, ""

    def __init__(self, provider: Provider, oauth: OAuth | None = None, every: int = 7) -> None:
        self.provider, self.oauth, self.every = provider, oauth, every

    def connections(self, start: int, clock: Callable[[], datetime]) -> Iterator[Page]:
        return Night(self.provider.refresher(self.oauth), self.every, clock).pages(Range(start, None))


def take(gateway: Gateway) -> ListingTaken:
    taken = listing.take(holding.source(), gateway, timezone.now, lambda _: None)
    quarantine.apply_believed(holding.source(), timezone.now)
    return taken


def link(name: str) -> str:
    return Connection.objects.get(user_id=name).standing.link


class TestTheWalk:
    def test_it_goes_page_by_page_over_all_that_we_hold(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(night, "PER_PAGE", 2)
        rows = hold(provider, "ada", "ben", "cy", "dee", "eve")
        first, second, third = walk(provider)
        assert [[one.user_id for one in page.connections] for page in (first, second, third)] == [
            ["ada", "ben"],
            ["cy", "dee"],
            ["eve"],
        ]
        assert (first.next_page, second.next_page, third.next_page) == (rows[1].pk, rows[3].pk, None)
        assert all(one.scopes is None and one.active is None for one in first.connections)
        assert [one.user_id for page in walk(provider, start=rows[3].pk) for one in page.connections] == ["eve"]

    def test_what_was_answered_is_asked_again_unless_it_was_recorded(self, provider: Provider) -> None:
        hold(provider, "ada")
        not_asked_for(days=30)
        (page,) = Night(provider.refresher(), 7, timezone.now).pages(Range(0, None))
        before = Token.objects.get().asked_at
        assert page.on_recorded is not None
        page.on_recorded()
        assert before is not None and before < timezone.now() - timedelta(days=29)
        assert Token.objects.get().asked_at != before

    @pytest.mark.parametrize(
        ("smallest", "most", "together"),
        [
            (1, 9, ["ada ben", "cy dee", "eve fay", "gus"]),
            (1, 2, ["ada ben cy dee", "eve fay gus"]),
            (2, 9, ["ada ben cy dee", "eve fay gus"]),
            (4, 9, ["ada ben cy dee eve fay gus"]),
        ],
    )
    def test_its_ranges_are_together_everybody(
        self, smallest: int, most: int, together: list[str], provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(night, "PER_PAGE", 2)
        hold(provider, "ada", "ben", "cy", "dee", "eve", "fay", "gus")
        ranges = night.ranges(provider.refresher(), smallest, most)
        hold(provider, "hal")
        walked = [
            " ".join(
                one.user_id
                for page in Night(provider.refresher(), 7, timezone.now).pages(of)
                for one in page.connections
            )
            for of in ranges
        ]
        assert walked == [*together[:-1], f"{together[-1]} hal"], "the last goes on to the end"

    def test_a_night_that_finds_nothing_new_writes_nothing(self, provider: Provider) -> None:
        hold(provider, "ada", "ben")
        periods = Period.objects.count()
        taken = take(Listed(provider))
        assert (taken.users, taken.recorded.unchanged, taken.recorded.changed, taken.recorded.new) == (2, 2, 0, 0)
        assert Period.objects.count() == periods and provider.asked == []
        assert (taken.unconfirmed, taken.inactive) == (0, 0)

    def test_a_page_is_one_query(self, provider: Provider) -> None:
        hold(provider, *(f"user-{place}" for place in range(30)))
        with CaptureQueriesContext(connection) as queries:
            walk(provider)
        assert sum("scopes_token" in query["sql"] for query in queries) == 2, "one looks for what is due"

    def test_a_walk_that_was_cut_off_goes_on(self, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(night, "PER_PAGE", 2)
        monkeypatch.setattr(listing, "SAVE_EVERY", 1)
        hold(provider, *(f"user-{place}" for place in range(12)))

        class CutOff(Listed):
            def connections(self, start: int, clock: Callable[[], datetime]) -> Iterator[Page]:
                yield from islice(super().connections(start, clock), 4)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            take(CutOff(provider))
        taken = take(Listed(provider))
        assert taken.resumed_at and taken.unconfirmed == 0 and taken.users < 12
        assert Listing.objects.count() == 1

    def test_what_is_due_is_refreshed_first(self, provider: Provider) -> None:
        (row,) = hold(provider, "ada", age=timedelta(hours=11))
        (page,) = walk(provider)
        row.refresh_from_db()
        assert row.refreshed_at is not None and page.changes == ()

    def test_our_client_that_is_refused_ends_it(self, provider: Provider, httpserver: HTTPServer) -> None:
        hold(provider, "ada", age=timedelta(hours=11))
        refused = holding.oauth(httpserver.url_for("/refused"))
        httpserver.expect_request("/refused").respond_with_json({"error": "invalid_client"}, 401)
        with pytest.raises(AccountRefused):
            walk(provider, oauth=refused)
        assert link("ada") == "active"


class TestWhoIsAsked:
    def test_those_who_were_not_for_so_many_nights(self, provider: Provider) -> None:
        hold(provider, "ada", "ben", age=timedelta(hours=1))
        Token.objects.filter(connection__user_id="ada").update(asked_at=timezone.now() - timedelta(days=6, hours=13))
        Token.objects.filter(connection__user_id="ben").update(asked_at=timezone.now() - timedelta(days=5, hours=13))
        walk(provider)
        assert provider.asked == ["ada"]
        walk(provider)
        assert provider.asked == ["ada"], "and not the next night again"
        walk(provider, every=1)
        assert provider.asked == ["ada", "ben"]

    def test_none_whose_access_token_has_ended(self, provider: Provider) -> None:
        hold(provider, "ada")
        not_asked_for(9)
        Token.objects.update(access_expires_at=timezone.now() - DAY)
        walk(provider)
        assert provider.asked == []

    def test_no_more_once_it_is_down(self, provider: Provider) -> None:
        names = [f"user-{place}" for place in range(60)]
        hold(provider, *names)
        not_asked_for(9)
        provider.answers = {name: lambda: answer({}, 503) for name in names}
        (page,) = walk(provider)
        assert len(page.connections) == 60 and page.changes == ()
        walk_again = len(provider.asked)
        assert walk_again <= 60
        assert not Token.objects.filter(asked_at__gt=timezone.now() - DAY).exists(), "they are asked the next night"

    def test_one_that_fails_does_not_keep_the_others_from_being_asked(self, provider: Provider) -> None:
        hold(provider, "ada", "ben", "cy")
        not_asked_for(9)
        provider.answers["ada"] = lambda: answer({}, 500)
        walk(provider)
        assert sorted(provider.asked) == ["ada", "ben", "cy"]
        again = Token.objects.filter(asked_at__lt=timezone.now() - DAY).values_list("connection__user_id", flat=True)
        assert list(again) == ["ada"]

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ('{"id": ["ada"]}', "the account's id is missing"),
            (f'{{"id": "{"x" * 200}"}}', "too long"),
            ('{"id": "a', "neither JSON nor a form"),
            ("<!DOCTYPE html><p>Welcome back</p>", "a web page"),
        ],
    )
    def test_an_answer_that_cannot_be_used_is_on_the_connection_until_one_can(
        self, provider: Provider, given: str, words: str
    ) -> None:
        hold(provider, "ada", "ben")
        not_asked_for(9)
        provider.answers["ada"] = lambda: Response(given, content_type="application/json")
        assert changes(walk(provider)) == {} and link("ada") == "active"
        ada, ben = Token.objects.order_by("connection__user_id")
        assert words in ada.error and ada.failing_since is not None and ben.error == ""
        provider.answers.clear()
        walk(provider)
        assert list(Token.objects.values_list("error", "failing_since")) == [("", None), ("", None)]

    def test_an_outage_is_not_the_trouble_of_those_who_were_asked_about(self, provider: Provider) -> None:
        names = [f"user-{place}" for place in range(60)]
        hold(provider, *names)
        not_asked_for(9)
        provider.answers = {name: lambda: answer({}, 503) for name in names}
        walk(provider)
        assert not Token.objects.exclude(error="").exists()


class TestWhatItConcludes:
    def test_a_token_that_is_not_accepted_even_fresh_is_rejected(self, provider: Provider) -> None:
        hold(provider, "ada", "ben")
        not_asked_for(9)
        provider.answers["ben"] = lambda: answer({"error": "invalid_token"}, 401)
        found = changes(walk(provider))
        assert list(found) == ["ben"] and found["ben"][0] == "token_rejected"
        assert provider.asked.count("ben") == 2, "the second time with a fresh token"

    def test_one_that_ended_early_and_is_refreshed_is_fine(self, provider: Provider) -> None:
        hold(provider, "ben")
        not_asked_for(9)
        provider.answers["ben"] = lambda: answer({}, 401) if len(provider.asked) == 1 else answer({"id": "ben"})
        assert changes(walk(provider)) == {}
        assert Token.objects.get().refreshed_at is not None

    def test_scopes_that_were_lost_are_lost_with_a_date(self, provider: Provider) -> None:
        oauth = provider.oauth(introspects=True)
        hold(provider, "ada", "ben", oauth=oauth)
        not_asked_for(9)
        provider.scopes["ben"] = "daily workout"
        take(Listed(provider, oauth))
        standing = Connection.objects.get(user_id="ben").standing
        assert (set(standing.reported or ()), standing.earlier) == ({"daily", "workout"}, ["heartrate"])
        assert Period.objects.filter(connection__user_id="ada").count() == 1

    def test_introspection_that_says_inactive_is_tried_by_a_refresh(self, provider: Provider) -> None:
        oauth = provider.oauth(introspects=True)
        hold(provider, "ada", oauth=oauth)
        not_asked_for(9)
        provider.inactive.add("ada")
        found = changes(walk(provider, oauth=oauth))
        assert found["ada"][0] == "token_rejected" and Token.objects.get().ended_at is not None

    def test_another_account_is_an_error_and_nothing_else(self, provider: Provider) -> None:
        (row,) = hold(provider, "ada")
        not_asked_for(9)
        provider.answers["ada"] = lambda: answer({"id": "somebody-else"})
        assert changes(walk(provider)) == {}
        row.refresh_from_db()
        assert "answers with another" in row.error and "somebody-else" not in row.error
        assert link("ada") == "active" and Connection.objects.get().provider_user_id == ""
        provider.answers.clear()
        not_asked_for(9)
        walk(provider)
        row.refresh_from_db()
        assert row.error == ""

    @pytest.mark.parametrize("status", [403, 404])
    def test_a_refusal_that_is_not_about_the_token_breaks_nothing(self, provider: Provider, status: int) -> None:
        (row,) = hold(provider, "ada")
        not_asked_for(9)
        provider.answers["ada"] = lambda: answer({}, status)
        assert changes(walk(provider)) == {}
        row.refresh_from_db()
        assert str(status) in row.error

    def test_a_link_thought_broken_whose_token_is_accepted_works(self, provider: Provider) -> None:
        hold(provider, "ada")
        not_asked_for(9)
        broken = LinkChanged(holding.PROVIDER, "ada", LinkState.TOKEN_REJECTED, timezone.now())
        cast.take_in(broken, source=holding.source(), now=timezone.now())
        assert changes(walk(provider)) == {"ada": ("active", night.ACCEPTED)}

    def test_an_access_token_that_ended_without_a_refresh_token(self, provider: Provider) -> None:
        held("ada", timezone.now() - DAY, provider.oauth(), refresh=None)
        assert changes(walk(provider)) == {"ada": ("token_rejected", night.NOT_REFRESHED)}
        take(Listed(provider))
        assert link("ada") == "token_rejected"
        assert changes(walk(provider)) == {}

    def test_uncertain_for_a_day_and_ended_is_broken_since_it_ended(self, provider: Provider) -> None:
        (row,) = hold(provider, "ada", age=timedelta(days=3), oauth=provider.oauth(rotates=Rotates.YES))
        Token.objects.update(refresh_at=None, uncertain_since=timezone.now() - timedelta(hours=23))
        assert changes(walk(provider)) == {}
        Token.objects.update(uncertain_since=timezone.now() - timedelta(hours=25))
        (change,) = [one for page in walk(provider) for one in page.changes]
        assert isinstance(change, LinkChanged) and change.detail == night.LOST
        row.refresh_from_db()
        assert change.happened_at == row.uncertain_since, "the same each night"

    def test_uncertain_while_its_access_token_works_is_nothing(self, provider: Provider) -> None:
        hold(provider, "ada")
        Token.objects.update(refresh_at=None, uncertain_since=timezone.now() - timedelta(days=5))
        assert changes(walk(provider)) == {}

    def test_an_end_that_was_not_recorded_is(self, provider: Provider) -> None:
        (row,) = hold(provider, "ada")
        tokens.end(row.pk, timezone.now())
        take(Listed(provider))
        assert link("ada") == "token_rejected"
        assert walk(provider)[0].connections == (), "and then nothing is reported of it any more"

    def test_many_at_once_are_an_incident(self, provider: Provider) -> None:
        names = [f"user-{place}" for place in range(60)]
        hold(provider, *names)
        not_asked_for(9)
        provider.answers = {name: lambda: answer({"error": "invalid_token"}, 401) for name in names}
        taken = take(Listed(provider))
        assert (taken.inactive, taken.quarantined) == (0, 60)
        assert Incident.objects.get().broken == 60 and QuarantinedFact.objects.count() == 60
        assert {link(name) for name in names} == {"active"}


class TestLookingUp:
    @pytest.fixture
    def gateway(self, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> OAuth2Gateway:
        oauth = provider.oauth(introspects=True)
        monkeypatch.setattr("scopes.sources.oauth2.gateway.endpoints_of", lambda *_: oauth)
        client = Client(name="acme", client_id="us", client_secret="a-client-secret", provider=holding.PROVIDER)
        return OAuth2Gateway.of(OAuth2Kind(), client, Patience.INTERACTIVE)

    def test_what_is_granted_and_whose_account_it_is(self, provider: Provider, gateway: OAuth2Gateway) -> None:
        hold(provider, "ada")
        provider.scopes["ada"] = "daily"
        at = timezone.now()
        found = gateway.look_up("ada", at)
        assert (found.existence, found.seen) == (
            Existence.KNOWN,
            ConnectionSeen(holding.PROVIDER, "ada", at, scopes=("daily",)),
        )
        probe = gateway.probe("ada")
        assert (probe.result, probe.account) == (ProbeResult.ANSWERED, "ada")

    def test_one_without_tokens_is_not_found(self, gateway: OAuth2Gateway) -> None:
        holding.connected("ada", timezone.now())
        assert gateway.look_up("ada", timezone.now()).existence is Existence.NOT_FOUND
        assert gateway.probe("ada").result is ProbeResult.EXPIRED

    def test_one_whose_tokens_have_ended_is_known_and_expired(self, provider: Provider, gateway: OAuth2Gateway) -> None:
        (row,) = hold(provider, "ada")
        tokens.end(row.pk, timezone.now())
        assert gateway.look_up("ada", timezone.now()).existence is Existence.KNOWN
        assert gateway.probe("ada").result is ProbeResult.EXPIRED

    def test_another_account_is_refused_and_not_named(self, provider: Provider, gateway: OAuth2Gateway) -> None:
        hold(provider, "ada")
        provider.answers["ada"] = lambda: answer({"id": "somebody-else"})
        probe = gateway.probe("ada")
        assert (probe.result, probe.account) == (ProbeResult.REFUSED, "") and "another" in probe.detail

    def test_one_that_is_down_is_down(self, provider: Provider, gateway: OAuth2Gateway) -> None:
        hold(provider, "ada")
        provider.answers["ada"] = lambda: answer({}, 503)
        assert gateway.probe("ada").result is ProbeResult.DOWN


def test_the_night_lists_such_a_source_like_any_other(provider: Provider) -> None:
    hold(provider, "ada", "ben")
    listed = nightly.list_source(Listed(provider), timezone.now, lambda _: None)
    assert listed.as_data()["users"] == 2
    assert Source.objects.get(kind="oauth2").listed_at is not None

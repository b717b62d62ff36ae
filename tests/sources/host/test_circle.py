"""A source that can be asked nothing goes through the whole circle: report, link, its own consent page, next report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes import flow
from scopes.facts import ConnectionSeen, ConsentGiven, Fact, Origin, OriginKind
from scopes.judge import policy
from scopes.models import Attempt, Connection, ReauthLink, Source
from scopes.reauth.issue import Issued, Wish, issue
from scopes.reauth.target import target_of
from tests import cast
from tests.reauth.hands import EVERYTHING, WITHOUT_HEARTRATE, act
from tests.sources.host.application import opened, request_in
from tests.sources.host.variables import APP, SECRET

pytestmark = pytest.mark.django_db

ORIGIN = Origin("host:app", OriginKind.API, "call:1")
PRESSED = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in APP.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def source(app: None) -> Source:
    """Ben's connection, reported without the heart rate that the policy needs."""
    source = Source.objects.create(kind="host", name="app", production=True)
    flow.take_in_people(cast.PEOPLE, timezone.now())
    report(source, consented(timezone.now() - timedelta(days=90), WITHOUT_HEARTRATE))
    version = policy.draft(cast.integration_of("oura", source), cast.OURA_POLICY, author="Pat", now=timezone.now())
    flow.publish(version, now=timezone.now())
    return source


@pytest.fixture
def link(source: Source) -> Issued:
    integration = cast.integration_of("oura", source)
    integration.refresh_from_db()
    return issue(cast.the("ben"), integration, Wish(act(), language="en"), timezone.now(), ben(), at_most=3)


def ben() -> Connection:
    return Connection.objects.select_related("standing", "integration").get(user_id="ben-oura")


def report(source: Source, *facts: Fact) -> None:
    flow.take_in(source, facts, ORIGIN, timezone.now())


def seen(at: datetime, scopes: tuple[str, ...] | None, user_id: str = "ben-oura") -> ConnectionSeen:
    return ConnectionSeen("oura", user_id, at, "ref-ben", scopes)


def consented(at: datetime, scopes: tuple[str, ...], user_id: str = "ben-oura") -> ConsentGiven:
    return ConsentGiven("oura", user_id, at, "ref-ben", scopes)


def press(client: Client, link: Issued) -> dict[str, str]:
    """What the host is given, once the person has pressed the button."""
    answer = client.post(f"/r/{link.link.public_id}/{link.secret}")
    assert answer.status_code == 303 and answer["Location"].startswith("https://app.example/connect/oura?")
    return opened(request_in(answer["Location"]), SECRET)


def outcome(link: Issued) -> str:
    return ReauthLink.objects.get(pk=link.link.pk).outcome


def test_it_goes_through_the_whole_circle(client: Client, source: Source, link: Issued) -> None:
    given = press(client, link)
    assert (given["sub"], given["connection"], given["provider"]) == ("ref-ben", "ben-oura", "oura")
    assert given["missing"] == "heartrate" and {"heartrate", "daily", "spo2Daily"} <= set(given["scope"].split())
    assert given["jti"] == Attempt.objects.get().key

    page = client.get(given["return_url"], follow=True)
    assert page.status_code == 200 and outcome(link) == "", "that somebody is back proves nothing"
    report(source, seen(timezone.now(), EVERYTHING))
    assert outcome(link) == "fixed"
    assert "You can close this page" in client.get(page.redirect_chain[0][0]).content.decode()


@pytest.mark.parametrize("fact", [seen, consented])
def test_what_it_reports_before_the_person_is_back_settles_the_link(
    client: Client, source: Source, link: Issued, fact: Callable[[datetime, tuple[str, ...]], Fact]
) -> None:
    press(client, link)
    report(source, fact(timezone.now(), EVERYTHING))
    assert (outcome(link), Attempt.objects.get().state) == ("fixed", "succeeded")


def test_what_it_repeats_while_the_person_reads_its_page_settles_nothing(
    client: Client, source: Source, link: Issued
) -> None:
    given = press(client, link)
    report(source, seen(timezone.now(), WITHOUT_HEARTRATE))
    report(source, consented(timezone.now() - timedelta(days=90), WITHOUT_HEARTRATE))
    assert (outcome(link), Attempt.objects.get().state) == ("", "open")

    client.get(given["return_url"])
    report(source, seen(timezone.now(), WITHOUT_HEARTRATE))
    assert outcome(link) == "unchanged"
    report(source, seen(timezone.now() + PRESSED, EVERYTHING))
    assert outcome(link) == "fixed"


def test_a_consent_with_the_same_boxes_is_unchanged(client: Client, source: Source, link: Issued) -> None:
    press(client, link)
    report(source, consented(timezone.now(), WITHOUT_HEARTRATE))
    assert outcome(link) == "unchanged"


def test_another_connection_is_a_wrong_account(client: Client, source: Source, link: Issued) -> None:
    press(client, link)
    report(source, consented(timezone.now(), EVERYTHING, "another"))
    assert outcome(link) == "wrong_account"


def test_who_declined_at_the_host_is_not_settled_by_a_repetition(client: Client, source: Source, link: Issued) -> None:
    given = press(client, link)
    page = client.get(f"{given['failure_url']}&reason=access_denied", follow=True)
    assert "The access was not allowed" in page.content.decode()
    report(source, seen(timezone.now(), WITHOUT_HEARTRATE))
    assert Attempt.objects.get().state == "open"


def test_a_report_after_the_link_has_expired_is_not_of_it(client: Client, source: Source, link: Issued) -> None:
    press(client, link)
    later = timezone.now() + timedelta(days=8)
    flow.settle_overdue("host:app", later)
    flow.take_in(source, [seen(later, EVERYTHING)], ORIGIN, later)
    assert (outcome(link), Attempt.objects.get().state) == ("", "abandoned")


@pytest.mark.parametrize("kind", [ConsentGiven, ConnectionSeen])
def test_a_first_connection_is_settled_by_its_first_report(
    client: Client, source: Source, kind: type[ConsentGiven | ConnectionSeen]
) -> None:
    integration = cast.integration_of("oura", source)
    link = issue(cast.the("cy"), integration, Wish(act(), language="en"), timezone.now(), at_most=3)
    assert "connection" not in press(client, link)
    report(source, ConnectionSeen("oura", "ada-oura", timezone.now(), "ref-ada", EVERYTHING))
    report(source, ConnectionSeen("garmin", "cy-garmin", timezone.now(), "ref-cy", None))
    assert outcome(link) == "", "what is of another person, or at another provider, is not of it"
    report(source, kind("oura", "cy-oura", timezone.now(), "ref-cy", EVERYTHING))
    assert outcome(link) == "fixed"


def test_without_a_consent_page_no_link_is_offered(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_APP_LINK_URL", "")
    target = target_of(cast.the("ben"), cast.integration_of("oura", source), timezone.now(), ben(), at_most=3)
    assert [obstacle.code for obstacle in target.preflight.obstacles] == ["no_links"]


def test_the_person_s_page_says_how_it_reports(client: Client, source: Source) -> None:
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(reverse("admin:person", args=[cast.the("ben").pk])).content.decode()
    assert "Your application reports its connections by the API." in page and "Check with" not in page
    check = client.get(reverse("admin:check_now", args=[ben().pk])).content.decode()
    assert "host:app doesn’t support checking single connections. Your application reports" in check


def test_what_it_never_reported_is_nothing_to_check_live(source: Source) -> None:
    report(source, ConnectionSeen("oura", "cy-oura", timezone.now(), "ref-cy", None))
    target = target_of(cast.the("cy"), cast.integration_of("oura", source), timezone.now(), at_most=3)
    (obstacle,) = target.preflight.obstacles
    assert (obstacle.code, obstacle.action) == ("verify", "Have your application report the connection’s scopes.")


def test_the_night_audits_it_and_cannot_list_it(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit_connections")
    assert "host:app" in capsys.readouterr().out
    with pytest.raises(CommandError, match="nothing to ask host:app"):
        call_command("audit_connections", "host:app")

"""Sending a link: who may, what is shown before, and what can be seen of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes import flow
from scopes.facts import ConsentGiven, LinkChanged, LinkState, PersonKnown
from scopes.models import Connection, Person, ReauthLink, Source, TrailEntry
from tests import cast as people
from tests.cast import CONSENTED, OURA_POLICY, connection_of, policy_for, take_in, the
from tests.reauth.hands import act, send

pytestmark = pytest.mark.django_db

LOOK = ("view_person", "view_connection", "view_reauthlink")
ROLES = {
    "viewer": LOOK,
    "agent": (*LOOK, "send_reauth_link", "withdraw_reauth_link"),
    "lead": (*LOOK, "send_reauth_link", "withdraw_reauth_link", "override_preflight"),
}
FORM = {"language": "en", "days": "7", "reason": "Asked on the phone.", "ticket": "T-1"}


@pytest.fixture
def desk(cast: Source) -> Callable[[str], Client]:
    """Signs somebody in who may what that role may."""

    def signed_in(role: str) -> Client:
        user = User.objects.create_user(role, password="a long and private one", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=ROLES[role]))
        client = Client()
        client.force_login(user)
        return client

    return signed_in


def address(person: Person, provider: str = "oura", connection: Connection | None = None) -> str:
    source = Source.objects.get(key="terra:prod").pk
    named = f"?connection={connection.pk}" if connection else ""
    return f"/admin/people/{person.pk}/link/{source}/{provider}/{named}"


def life(link: ReauthLink) -> str:
    return f"/admin/links/{link.public_id}/status/"


@pytest.mark.usefixtures("agent")
def test_the_roles_of_this_test_are_the_roles_of_the_desk() -> None:
    for role, wanted in ROLES.items():
        held = Group.objects.get(name=role).permissions.values_list("codename", flat=True)
        assert set(wanted) <= set(held)
        assert ("send_reauth_link" in held) is (role != "viewer")
        assert ("override_preflight" in held) is (role == "lead")


def test_before_it_is_sent_the_agent_sees_whether_it_helps_and_what_the_person_will_read(
    desk: Callable[[str], Client],
) -> None:
    page = desk("agent").get(address(the("ben"), connection=connection_of("ben"))).content.decode()
    assert "Will it help?" in page and "Heart rate" in page
    assert "Oura neu verbinden" in page, "Ben reads German"
    assert '<option value="de" selected>' in page
    assert not ReauthLink.objects.exists(), "looking makes nothing"


def test_who_makes_a_link_is_led_to_its_page_with_the_address_and_a_reply_that_names_the_box(
    desk: Callable[[str], Client],
) -> None:
    agent = desk("agent")
    answer = agent.post(address(the("ben")), FORM | {"language": "de"})
    link = ReauthLink.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, life(link))
    page = agent.get(answer["Location"])
    url = page.context["url"]
    assert f"/r/{link.public_id}/" in url and "no-store" in page["Cache-Control"]
    assert agent.get(url).status_code == 200, "it works"
    assert url in page.context["message"] and "„Herzfrequenz“" in page.context["message"]
    assert (link.language, link.ticket, link.author) == ("de", "T-1", "agent")
    secret = url.rsplit("/", 1)[1]
    for other in (f"{life(link)}now/", f"/admin/people/{link.person_id}/"):
        assert secret not in agent.get(other).content.decode()
    assert secret not in str(list(TrailEntry.objects.values())) + str(list(ReauthLink.objects.values()))


@pytest.mark.parametrize("missing", ["reason", "days", "language"])
def test_a_form_that_is_not_complete_makes_no_link(desk: Callable[[str], Client], missing: str) -> None:
    form = {name: value for name, value in FORM.items() if name != missing}
    answer = desk("agent").post(address(the("ben")), form)
    assert answer.status_code == 200 and answer.context["form"].errors[missing]
    assert not ReauthLink.objects.exists()


def revoked_at_dexcom(resource: str | None) -> None:
    take_in(ConsentGiven("dexcom", "ben-eu", CONSENTED, "ref-ben", ("offline_access",), resource=resource))
    take_in(LinkChanged("dexcom", "ben-eu", LinkState.REVOKED, CONSENTED + timedelta(days=1)))


def test_the_agent_chooses_the_region_where_it_is_unknown(desk: Callable[[str], Client]) -> None:
    revoked_at_dexcom(None)
    agent, form = desk("agent"), address(the("ben"), "dexcom")
    page = agent.get(form).content.decode()
    assert "Region" in page and '<option value="DEXCOM_EU">' in page
    for chosen in ({}, {"resource": ""}, {"resource": "OURA"}):
        assert agent.post(form, FORM | chosen).context["form"].errors["resource"]
    assert not ReauthLink.objects.exists()
    assert agent.post(form, FORM | {"resource": "DEXCOM_EU"}).status_code == 303
    assert ReauthLink.objects.get().resource == "DEXCOM_EU"
    assert TrailEntry.objects.get(verb="link.issued").detail["resource"] == "DEXCOM_EU"


@pytest.mark.parametrize(("provider", "resource"), [("dexcom", "DEXCOM_EU"), ("oura", "OURA")])
def test_where_the_region_is_known_or_the_only_one_nothing_is_asked(
    desk: Callable[[str], Client], provider: str, resource: str
) -> None:
    revoked_at_dexcom("DEXCOM_EU")
    agent, form = desk("agent"), address(the("ben"), provider)
    assert "Region" not in agent.get(form).content.decode()
    agent.post(form, FORM | {"resource": "DEXCOM_JP"})
    assert ReauthLink.objects.get().resource == resource


def test_a_viewer_can_neither_send_nor_withdraw(desk: Callable[[str], Client]) -> None:
    viewer = desk("viewer")
    link = send(the("ben"), now=timezone.now()).link
    assert viewer.get(address(the("ben"))).status_code == 403
    assert viewer.post(address(the("ben")), FORM).status_code == 403
    assert viewer.post(life(link), {"reason": "No."}).status_code == 403
    page = viewer.get(life(link)).content.decode()
    assert "Waiting for the person" in page and "Withdraw the link" not in page
    link.refresh_from_db()
    assert link.withdrawn_at is None and ReauthLink.objects.count() == 1


def test_no_link_is_sent_without_signing_in_or_with_a_forged_form(desk: Callable[[str], Client]) -> None:
    assert Client().post(address(the("ben")), FORM).status_code == 302
    forger = Client(enforce_csrf_checks=True)
    desk("agent")
    forger.force_login(User.objects.get(username="agent"))
    assert forger.post(address(the("ben")), FORM).status_code == 403
    assert not ReauthLink.objects.exists()


def not_requested() -> Person:
    policy_for("oura", {**OURA_POLICY, "requested": ["email", "daily"]})
    return the("ben")


def not_approved() -> Person:
    policy_for("oura", {**OURA_POLICY, "approved": ["email", "daily", "workout"]})
    return the("ben")


def waived() -> Person:
    until = timezone.now().date() + timedelta(days=30)
    flow.waive(connection_of("ben"), "heartrate", until, act("He said no."), timezone.now())
    return the("ben")


def unchanged_twice() -> Person:
    for days in (40, 35):
        made = send(the("ben"), now=timezone.now() - timedelta(days=days)).link
        ReauthLink.objects.filter(pk=made.pk).update(outcome="unchanged", settled_at=made.created_at)
    return the("ben")


def decided_on_the_phone() -> Person:
    return the("dee")


# How it came, the provider, what is said, who can mend it, whether there is a text for them, whether a lead may.
REFUSED: list[tuple[Callable[[], Person], str, str, str, bool, bool]] = [
    (not_requested, "oura", "Our request does not ask for this scope", "An engineer can fix it", True, True),
    (not_approved, "oura", "has not approved this scope for our client", "An engineer can fix it", True, True),
    (waived, "oura", "The person declined this scope", "Don’t ask again until the waiver ends", False, True),
    (unchanged_twice, "oura", "The last two links changed nothing", "What you can do", False, True),
    (decided_on_the_phone, "apple_health", "permissions are set on the person", "The person can fix it", False, False),
]


@pytest.mark.parametrize(
    ("given", "provider", "why", "who", "text", "lead_may"), REFUSED, ids=[line[0].__name__ for line in REFUSED]
)
def test_what_cannot_help_is_refused_with_who_can_fix_it_and_a_lead_overrides_it(
    desk: Callable[[str], Client],
    given: Callable[[], Person],
    provider: str,
    why: str,
    who: str,
    text: bool,
    lead_may: bool,
) -> None:
    person = given()
    links = ReauthLink.objects.count()
    agent, lead = desk("agent"), desk("lead")

    page = agent.get(address(person, provider)).content.decode()
    assert why in page and who in page and ("Text for engineering" in page) is text and "Create link" not in page
    assert agent.post(address(person, provider), FORM | {"override": "on"}).status_code == 409
    assert ("Send it anyway" in lead.get(address(person, provider)).content.decode()) is lead_may
    answer = lead.post(address(person, provider), FORM | {"override": "on"}, follow=True)

    assert ReauthLink.objects.count() - links == lead_may
    if lead_may:
        assert answer.context["link"].needs == ["heartrate"]
        assert TrailEntry.objects.get(verb="link.issued", actor_name="lead").reason == FORM["reason"]
    else:
        assert answer.status_code == 409


def test_only_a_lead_overrides_and_says_so(desk: Callable[[str], Client]) -> None:
    ada = address(the("ada"))
    agent, lead = desk("agent"), desk("lead")
    assert agent.post(ada, FORM | {"override": "on"}).status_code == 409
    assert not ReauthLink.objects.exists()
    assert lead.post(ada, FORM).context["form"].errors["override"]
    assert lead.post(ada, FORM | {"override": "on"}, follow=True).context["url"]
    assert TrailEntry.objects.get(verb="link.issued").detail["overridden"] == ["not_needed"]


@pytest.mark.parametrize("named", ["x", "-1", "99999999999999999999", "0"])
def test_a_connection_of_somebody_else_is_not_found(desk: Callable[[str], Client], named: str) -> None:
    agent = desk("agent")
    assert agent.get(address(the("ben")) + f"?connection={named}").status_code == 404
    assert agent.get(address(the("ben"), connection=connection_of("ada"))).status_code == 404
    assert agent.get(address(the("ben"), "made-up")).status_code == 404


def test_a_person_without_a_name_is_greeted_all_the_same(desk: Callable[[str], Client]) -> None:
    flow.take_in_people([PersonKnown("ref-ben")], timezone.now())
    message = desk("agent").post(address(the("ben")), FORM, follow=True).context["message"]
    assert message.startswith("Hello,\n")


def test_the_limit_is_a_setting_and_counts_all_providers(
    cast: Source, signed_in: Callable[[str], Client], settings: object
) -> None:
    settings.PORTAL_LINKS_A_MONTH = 1  # type: ignore[attr-defined]
    send(people.the("Ben"), "withings", now=timezone.now(), override=True)
    page = signed_in("agent").get(reverse("admin:send_link", args=[people.the("Ben").pk, cast.pk, "oura"]))
    assert "1 of at most 1 links were sent to this person in the last 30 days." in page.content.decode()
    assert ReauthLink.objects.count() == 1

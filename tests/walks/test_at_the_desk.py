"""What agents do at the desk all day, click by click, and what they see afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from scopes import jobs
from scopes.models import Campaign, ReauthLink, Source
from tests import cast as people
from tests.channels.mail_server import MailServer, mail_server
from tests.reauth.hands import WITHOUT_HEARTRATE
from tests.walks.conftest import Circle

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
type Open = Callable[..., BrowserContext]

LINK = re.compile(r"https?://\S+/r/\S+")
WHY = "Asked on the phone."
TABS = 80


@pytest.fixture
def mails(live_server: LiveServer, settings: Any) -> Iterator[MailServer]:
    """A mail server, and a portal that sends by it."""
    with mail_server() as server:
        settings.MAILERS = server.mailers
        settings.MAIL_FROM = "Vitalog <support@vitalog.example>"
        settings.PORTAL_URL, settings.PORTAL_HOST_NAME = live_server.url, "Vitalog"
        yield server


def work() -> None:
    """What a worker does within the next minute."""
    for campaign in Campaign.objects.filter(state="running"):
        jobs.run_campaign(campaign.pk)
    jobs.send_messages()


def give_reason(page: Page, button: str) -> None:
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name=button, exact=True).click()


def row(page: Page, name: str) -> Locator:
    """The row of a table with that heading."""
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name, exact=True))


def open_ben(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_role("searchbox").fill("ben@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ben Bitdiddle", level=1)).to_be_visible()


def create_link(page: Page) -> str:
    """From Ben's page to the page of a new link, which shows its address."""
    open_ben(page)
    page.get_by_role("link", name="Send a reauth link").click()
    give_reason(page, "Create link")
    return page.get_by_label("Link", exact=True).input_value()


def test_links_are_sent_to_a_selection_after_a_look_at_what_they_would_do(
    cast: Source, open_as: Open, mails: MailServer
) -> None:
    page = open_as("agent").new_page()
    page.goto("/admin/connections/")
    for name in ("Ben Bitdiddle", "Cy Young", "Ada Lovelace"):
        page.get_by_label(f"Select {name}, Oura").check()
    page.get_by_role("button", name="Send links to the selected").click()
    give_reason(page, "Check them")

    expect(row(page, "Would help")).to_contain_text("2")
    expect(row(page, "Nothing is missing")).to_contain_text("1")
    mail = page.get_by_role("article", name="E-mail about Oura")
    expect(mail).to_contain_text("Vitalog: Reconnect Oura")
    page.get_by_role("link", name="German").click()
    expect(mail).to_contain_text("Vitalog: Oura neu verbinden")
    expect(page.get_by_role("article", name="Page of the link for Oura")).to_contain_text("Weiter zu Oura")

    page.get_by_role("link", name="Start", exact=True).click()
    give_reason(page, "Start")
    expect(page.get_by_text("“Links for 3 connections” is started.")).to_be_visible()
    work()
    Campaign.objects.update(counted_at=None)  # a minute later
    page.reload()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    expect(row(page, "Sent").first).to_contain_text("2")
    assert sorted(to for to, _ in mails.taken) == ["ben@example.com", "cy@example.com"]


def test_a_campaign_goes_from_a_filter_over_a_draft_to_a_person_who_is_fixed(
    circle: Circle, open_as: Open, mails: MailServer
) -> None:
    page = open_as("lead").new_page()
    page.goto("/admin/connections/")
    page.get_by_text("Health", exact=True).first.click()
    page.get_by_role("link", name=re.compile("^Blocked")).click()
    page.get_by_role("link", name="Send links to all 1").click()
    give_reason(page, "Check them")
    expect(row(page, "Would help")).to_contain_text("1")
    assert not ReauthLink.objects.exists() and not mails.taken, "a draft sends nothing"
    page.get_by_role("link", name="Start", exact=True).click()
    give_reason(page, "Start")
    work()

    ((_, mail),) = mails.taken
    body = mail.get_body(("plain",))
    assert body is not None
    circle.page.goto(LINK.findall(body.get_content())[0])
    circle.heading("Reconnect Oura")
    circle.page.get_by_role("button", name="Continue to Oura").click()
    circle.consent()
    circle.heading("Thank you, all is connected")
    circle.settled("fixed")

    Campaign.objects.update(counted_at=None)  # a minute later
    page.reload()
    for step in ("Links", "Sent", "Opened", "Went to provider", "Returned", "Fixed"):
        expect(row(page, step).first).to_contain_text("1")


def test_a_mail_that_never_arrived_is_seen_and_the_link_is_pasted_instead(
    cast: Source, open_as: Open, mails: MailServer
) -> None:
    mails.refuses["ben@example.com"] = "550 5.1.1 no such mailbox"
    page = open_as("agent").new_page()
    open_ben(page)
    page.get_by_role("link", name="Send a reauth link").click()
    page.get_by_label("By e-mail, sent within a minute").check()
    give_reason(page, "Create link")
    expect(page.get_by_text("Waiting to be sent")).to_be_visible()
    work()

    open_ben(page)
    expect(page.get_by_text("Never arrived (550 5.1.1)")).to_be_visible()
    page.get_by_role("link", name="Open", exact=True).first.click()
    expect(
        page.get_by_text("It can’t be sent by e-mail: an earlier mail to this address never arrived")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Send another e-mail")).to_have_count(0)
    page.get_by_role("button", name="New address").click()
    assert LINK.fullmatch(page.get_by_label("Link", exact=True).input_value())


def test_a_reload_and_the_back_button_make_no_second_link_and_lose_no_address(cast: Source, open_as: Open) -> None:
    page = open_as("agent").new_page()
    url = create_link(page)
    page.reload()
    assert page.get_by_label("Link", exact=True).input_value() == url
    page.go_back()
    expect(page.get_by_role("button", name="Create link")).to_be_visible()
    page.go_forward()
    assert page.get_by_label("Link", exact=True).input_value() == url
    assert url in page.get_by_label("Reply to paste").input_value()
    page.goto(url)
    expect(page.get_by_role("button", name="Weiter zu Oura")).to_be_visible()
    assert ReauthLink.objects.count() == 1


def test_a_note_is_read_by_a_colleague_without_the_address_in_it_and_removed(cast: Source, open_as: Open) -> None:
    page = open_as("agent").new_page()
    open_ben(page)
    page.get_by_text("Write a note").click()
    page.get_by_label("Note", exact=True).fill("Write to ben@example.org instead.\nHe is travelling.")
    page.get_by_role("button", name="Save note").click()
    notes = page.get_by_role("region", name="Notes")
    expect(notes).to_contain_text(re.compile(r"agent-agent, just now, \d+ \w+ \d{4}, \d\d:\d\d"))

    colleague = open_as("lead").new_page()
    open_ben(colleague)
    notes = colleague.get_by_role("region", name="Notes")
    expect(notes).to_contain_text("He is travelling.")
    expect(notes).not_to_contain_text("ben@example.org")
    notes.get_by_role("link", name="Remove").click()
    give_reason(colleague, "Remove")
    expect(colleague.get_by_role("region", name="Notes")).to_contain_text("No notes.")


def test_what_no_link_can_fix_goes_to_an_engineer_and_the_answer_returns_to_the_connection(
    cast: Source, open_as: Open
) -> None:
    people.policy_for("oura", people.OURA_POLICY | {"requested": list(WITHOUT_HEARTRATE)}, since=people.SCREEN_SINCE)
    page, engineer = open_as("agent").new_page(), open_as("engineer").new_page()
    open_ben(page)
    page.get_by_role("link", name=re.compile("^Escalate to engineering: Oura")).click()
    give_reason(page, "Escalate")
    expect(page.get_by_text("Escalated to engineering")).to_be_visible()

    engineer.goto("/admin/escalations/")
    engineer.get_by_role("link", name=re.compile("^Oura: .* heartrate$")).click()
    engineer.get_by_role("button", name="Assign to me").click()
    expect(engineer.get_by_text("In progress")).to_be_visible()
    assert "Ben" not in engineer.locator("pre").inner_text()
    engineer.get_by_role("textbox", name="Answer").fill("Requested since today: a link helps now.")
    engineer.get_by_role("button", name="Save answer").click()

    page.reload()
    expect(page.get_by_text("Requested since today: a link helps now.")).to_be_visible()


def test_a_saved_filter_is_shared_and_chosen_by_a_colleague(cast: Source, open_as: Open) -> None:
    lead = open_as("lead").new_page()
    lead.goto("/admin/connections/")
    lead.get_by_text("Health", exact=True).first.click()
    lead.get_by_role("link", name=re.compile("^Blocked")).click()
    lead.locator("summary").get_by_text("Save", exact=True).click()
    lead.get_by_label("Name of this filter").fill("To write to")
    lead.get_by_label("Share with everyone").check()
    lead.get_by_role("button", name="Save", exact=True).click()
    expect(lead.get_by_text("Saved. You find it under “Saved filters”.")).to_be_visible()

    colleague = open_as("agent").new_page()
    colleague.goto("/admin/connections/")
    expect(colleague.get_by_role("link", name="Ada Lovelace").first).to_be_visible()
    colleague.get_by_text("Saved filters").click()
    colleague.get_by_role("link", name="To write to").click()
    expect(colleague.get_by_role("link", name="Ben Bitdiddle")).to_be_visible()
    expect(colleague.get_by_role("link", name="Ada Lovelace")).to_have_count(0)


def test_a_ticket_is_answered_by_keyboard_alone(cast: Source, open_as: Open, live_server: LiveServer) -> None:
    context = open_as("agent")
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    page = context.new_page()
    page.goto("/admin/")
    page.keyboard.type("ben@example.com")  # the focus is in the search
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ben Bitdiddle", level=1)).to_be_visible()
    tab_to(page, "Send a reauth link")
    page.keyboard.press("Enter")
    page.wait_for_url("**/link/**")
    tab_to(page, "Reason")
    page.keyboard.type(WHY)
    tab_to(page, "Create link")
    page.keyboard.press("Enter")
    page.wait_for_url("**/status/")
    tab_to(page, "Reply to paste")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert LINK.search(page.evaluate("navigator.clipboard.readText()"))


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of that name has the focus, and shows it."""
    focused = """() => {
        const one = document.activeElement;
        const {outlineStyle, boxShadow} = getComputedStyle(one);
        const words = (one.labels?.[0] ?? one).textContent.trim();
        return [words, outlineStyle !== "none" || boxShadow !== "none"];
    }"""
    for _ in range(TABS):
        page.keyboard.press("Tab")
        words, is_marked = page.evaluate(focused)
        if words == name:
            assert is_marked, f"{name} has the focus, and does not show it"
            return
    raise AssertionError(f"{name} is not reached by {TABS} presses of Tab.")

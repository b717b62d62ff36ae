"""A person walks through the sandbox's pages, posting their forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from scopes.catalogue import default
from scopes.sandbox.account import Account
from tests.sandbox.conftest import Application

SUCCESS = "https://host.example/back?attempt=7"
FAILURE = "https://host.example/failed?attempt=7&why=a%20b"


def boxes(html: str) -> dict[str, bool]:
    """Each box of a consent screen, and whether it is ticked."""
    found = re.findall(r'<input type="checkbox" name="scope" value="([^"]+)"( checked)?', html)
    return {name: bool(checked) for name, checked in found}


def led_to(answer: requests.Response) -> tuple[str, list[tuple[str, str]]]:
    """The address that the person is sent to, and its parameters in order."""
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", parse_qsl(parts.query)


def walk(terra: Application, resource: str, reference_id: str, decision: str = "allow", refused: str = "") -> str:
    """Opens a link, unticks what is refused, and decides; the id that the link was made for."""
    minted = terra.link(resource, reference_id, auth_success_redirect_url=SUCCESS, auth_failure_redirect_url=FAILURE)
    shown = boxes(requests.get(minted["auth_url"], timeout=10).text)
    terra.decide(minted["auth_url"], decision, *(name for name in shown if name != refused))
    return str(minted["user_id"])


def test_a_consent_makes_a_connection_with_what_was_ticked(terra: Application) -> None:
    minted = terra.link("OURA", "new-here", auth_success_redirect_url=SUCCESS)
    page = requests.get(minted["auth_url"], timeout=10)
    assert "Sandbox" in page.text and "Oura" in page.text
    shown = boxes(page.text)
    assert set(shown) == {scope.name for scope in default().provider("oura").scopes} and all(shown.values())

    answer = terra.decide(minted["auth_url"], "allow", *(shown.keys() - {"heartrate"}))

    back = [("attempt", "7"), ("user_id", minted["user_id"]), ("reference_id", "new-here"), ("resource", "OURA")]
    assert led_to(answer) == ("https://host.example/back", back)
    user = terra.user("new-here")
    assert user["user_id"] == minted["user_id"] and user["active"] and user["last_webhook_update"] is None
    assert set(user["scopes"].split(",")) == shown.keys() - {"heartrate"}
    assert terra.get("/userInfo", user_id=minted["user_id"]).json()["is_authenticated"] is True
    assert terra.get("/subscriptions").json()["users"][-1] == user


def test_looking_at_the_page_changes_nothing(terra: Application) -> None:
    minted = terra.link("OURA", "ada")
    before = terra.users("ada")
    pages = [requests.get(minted["auth_url"], timeout=10).text for _ in range(3)]
    assert len(set(pages)) == 1
    assert terra.users("ada") == before


def test_a_refusal_leads_to_the_failure_address_and_changes_nothing(terra: Application) -> None:
    before = terra.users("ada")
    minted = terra.link("OURA", "ada", auth_success_redirect_url=SUCCESS, auth_failure_redirect_url=FAILURE)
    address, parameters = led_to(terra.decide(minted["auth_url"], "refuse"))
    assert address == "https://host.example/failed"
    known = [("user_id", minted["user_id"]), ("reference_id", "ada"), ("resource", "OURA")]
    assert parameters == [("attempt", "7"), ("why", "a b"), *known, ("reason", "access_denied")]
    assert terra.users("ada") == before
    assert terra.get("/userInfo", user_id=minted["user_id"]).status_code == 404


@pytest.mark.parametrize(("resource", "refused"), [("OURA", "email"), ("STRAVA", "activity:read_all")])
def test_a_refused_mandatory_scope_makes_no_connection_and_keeps_the_old_one(
    terra: Application, resource: str, refused: str
) -> None:
    walk(terra, resource, "somebody")
    before = terra.users("somebody")
    minted = terra.link(resource, "somebody", auth_failure_redirect_url=FAILURE)
    shown = boxes(requests.get(minted["auth_url"], timeout=10).text)
    _, parameters = led_to(terra.decide(minted["auth_url"], "allow", *(shown.keys() - {refused})))
    assert parameters[-1] == ("reason", "missing_scopes")
    assert terra.users("somebody") == before


def test_a_reauth_replaces_the_active_connection_and_changes_the_id(terra: Application) -> None:
    ben = terra.user("ben")
    account = terra.get("/athlete", user_id=ben["user_id"], to_webhook="false").json()["athlete"]["provider_user_id"]
    user_id = walk(terra, "OURA", "ben")
    after = terra.user("ben")
    assert after["user_id"] == user_id != ben["user_id"]
    assert "heartrate" in after["scopes"].split(",")
    assert terra.get("/userInfo", user_id=ben["user_id"]).status_code == 404
    again = terra.get("/athlete", user_id=user_id, to_webhook="false").json()["athlete"]["provider_user_id"]
    assert again == account, "it is the same account at the provider"
    third = walk(terra, "OURA", "ben")
    assert terra.user("ben")["user_id"] == third


def test_an_inactive_connection_is_kept_when_a_new_one_is_made(terra: Application) -> None:
    (old,) = terra.users("cy")
    user_id = walk(terra, "GARMIN", "cy")
    assert [user["user_id"] for user in terra.users("cy")] == [old["user_id"], user_id]


def test_other_providers_and_other_people_are_left_alone(terra: Application) -> None:
    oura, garmin = terra.users("finn")
    walk(terra, "GARMIN", "finn")
    assert oura in terra.users("finn") and garmin not in terra.users("finn")
    minted = terra.link("OURA")
    _, parameters = led_to(terra.decide(minted["auth_url"], "allow", "email", "personal", "tag"))
    assert ("reference_id", "null") in parameters
    assert oura in terra.users("finn")


def test_only_what_the_dashboard_requests_is_shown_and_granted(terra: Application) -> None:
    terra.change_settings(requested_scopes={"OURA": ["email", "personal", "tag", "a_new_one"]})
    minted = terra.link("OURA", "new-here")
    assert list(boxes(requests.get(minted["auth_url"], timeout=10).text)) == ["email", "personal", "tag", "a_new_one"]
    terra.decide(minted["auth_url"], "allow", "email", "personal", "tag", "a_new_one", "heartrate")
    assert set(terra.user("new-here")["scopes"].split(",")) == {"email", "personal", "tag", "a_new_one"}


def test_each_provider_ticks_its_boxes_in_its_own_way(terra: Application) -> None:
    def shown(resource: str) -> dict[str, bool]:
        return boxes(requests.get(terra.link(resource)["auth_url"], timeout=10).text)

    assert not any(shown("GOOGLE_HEALTH").values())
    assert [name for name, ticked in shown("GARMIN").items() if not ticked] == ["HISTORICAL_DATA_EXPORT"]
    polar = terra.link("POLAR", "new-here")
    assert "disabled" in requests.get(polar["auth_url"], timeout=10).text
    terra.decide(polar["auth_url"], "allow")
    assert terra.user("new-here")["scopes"], "what cannot be unticked is granted"


def test_a_provider_without_scopes_grants_what_is_not_reported(terra: Application) -> None:
    minted = terra.link("MYFITNESSPAL", "new-here")
    assert boxes(requests.get(minted["auth_url"], timeout=10).text) == {}
    terra.decide(minted["auth_url"], "allow")
    assert terra.user("new-here")["scopes"] is None


def test_a_provider_that_ends_while_a_link_is_open_makes_no_connection(
    terra: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before_the_end:
        before_the_end.setattr(Account, "has_shut_down", lambda account, provider: False)
        minted = terra.link("FITBIT", "eve")
    assert requests.get(minted["auth_url"], timeout=10).status_code == 410
    assert terra.decide(minted["auth_url"], "allow", "profile", "settings").status_code == 410


def test_a_link_works_once_and_is_then_explained(terra: Application) -> None:
    minted = terra.link("OURA", "ada")
    assert terra.decide(minted["auth_url"], "refuse").status_code == 303
    for answer in (terra.decide(minted["auth_url"], "allow", "email"), requests.get(minted["auth_url"], timeout=10)):
        assert answer.status_code == 410 and "used already" in answer.text


def test_an_expired_or_unknown_link_is_explained(terra: Application) -> None:
    minted = terra.link("OURA", "ada")
    terra.change_settings(session_seconds=0)
    answer = terra.decide(minted["auth_url"], "allow", "email", "personal", "tag")
    assert answer.status_code == 410 and "expired" in answer.text
    assert requests.get(f"{terra.url}/connect/made-up", timeout=10).status_code == 404
    assert terra.decide(terra.link("OURA")["auth_url"], "perhaps").status_code == 410


def test_a_widget_lets_the_person_choose_first(terra: Application) -> None:
    wanted = {"providers": "oura,GARMIN,APPLE", "reference_id": "new-here", "auth_success_redirect_url": SUCCESS}
    session = terra.http.post(f"{terra.url}/api/widget/session", json=wanted, timeout=10).json()
    page = requests.get(session["url"], timeout=10).text
    assert re.findall(r'name="provider" value="([^"]+)"', page) == ["OURA", "GARMIN", "APPLE"]

    assert requests.post(session["url"], data={"provider": "STRAVA"}, timeout=10).status_code == 400
    chosen = requests.post(session["url"], data={"provider": "GARMIN"}, allow_redirects=False, timeout=10)
    link = terra.url + chosen.headers["Location"]
    assert "HEALTH_EXPORT" in boxes(requests.get(link, timeout=10).text)
    _, parameters = led_to(terra.decide(link, "allow", "HEALTH_EXPORT"))
    user = terra.user("new-here")
    assert (user["provider"], user["scopes"]) == ("GARMIN", "HEALTH_EXPORT")
    assert parameters[1:] == [("user_id", user["user_id"]), ("reference_id", "new-here"), ("resource", "GARMIN")]


def test_a_widget_with_one_provider_goes_straight_to_it_and_with_a_phone_straight_back(terra: Application) -> None:
    def session(providers: str) -> str:
        wanted = {"providers": providers, "auth_success_redirect_url": SUCCESS}
        return str(terra.http.post(f"{terra.url}/api/widget/session", json=wanted, timeout=10).json()["url"])

    assert boxes(requests.get(session("OURA"), timeout=10).text)
    phone = requests.post(session("OURA,APPLE"), data={"provider": "APPLE"}, allow_redirects=False, timeout=10)
    assert ("user_id", "null") in led_to(phone)[1]


def test_without_an_address_to_go_back_to_the_sandbox_has_its_own_pages(terra: Application) -> None:
    for decision, title in (("allow", "Connected"), ("refuse", "Not connected")):
        form = {"decision": decision, "scope": ["HEALTH_EXPORT"]}
        page = requests.post(terra.link("GARMIN")["auth_url"], data=form, timeout=10)
        assert page.status_code == 200 and f"<h1>{title}</h1>" in page.text


def test_pages_are_plain_html_with_a_style_sheet_and_nothing_inline(terra: Application) -> None:
    page = requests.get(terra.link("OURA")["auth_url"], timeout=10)
    assert "default-src 'none'; style-src 'self'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script|<style|style=|\son\w+=", page.text)
    assert requests.get(f"{terra.url}/sandbox.css", timeout=10).headers["Content-Type"].startswith("text/css")


def test_what_an_application_asks_for_is_shown_as_text(terra: Application) -> None:
    terra.change_settings(requested_scopes={"OURA": ['"><script>alert(1)</script>']})
    page = requests.get(terra.link("OURA")["auth_url"], timeout=10).text
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_changes_are_kept_in_a_store_after_the_process_ends(start: Callable[..., Application], tmp_path: Path) -> None:
    store = str(tmp_path / "store.sqlite3")
    first = start(store=store)
    user_id = walk(first, "OURA", "ben")
    first.change_settings(reference_lookup="users")
    second = start(store=store)
    assert second.get("/userInfo", reference_id="ben").json()["users"][0]["user_id"] == user_id

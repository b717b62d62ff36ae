"""The consent screen: what a request must be, what the person sees, and what comes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.sandbox.oauth.consent import ACCOUNTS
from tests.sandbox.oauth.conftest import ACTIVITY, SLEEP, Application, answer_of, returned

SLEEP_NAME, ACTIVITY_NAME = "googlehealth.sleep.readonly", "googlehealth.activity_and_fitness.readonly"


def scopes_of(tokens: dict[str, str]) -> set[str]:
    return set(tokens["scope"].split())


def test_the_screen_names_the_accounts_and_has_a_box_for_each_scope_that_was_asked_for(app: Application) -> None:
    page = app.open(SLEEP, ACTIVITY, "openid").text
    assert all(person.email in page for person in ACCOUNTS.values())
    assert page.count('type="checkbox"') == 2
    assert f'value="{SLEEP_NAME}" checked' in page
    assert "<script" not in page and "style=" not in page


def test_the_screen_runs_nothing_and_is_shown_in_no_frame(app: Application) -> None:
    policy = app.open(SLEEP).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy


def test_a_consent_comes_back_with_a_code_the_state_and_the_issuer(app: Application) -> None:
    back = returned(app.decide("allow", "ada", (SLEEP_NAME,), SLEEP))
    assert back.keys() == {"code", "state", "iss"}
    assert (back["state"], back["iss"]) == ("a-state", app.sandbox.url)


def test_a_refusal_comes_back_as_one(app: Application) -> None:
    back = returned(app.decide("refuse", "ada", (), SLEEP))
    assert (back["error"], back["state"]) == ("access_denied", "a-state")


def test_what_is_unticked_is_not_granted(app: Application) -> None:
    back = returned(app.decide("allow", "ada", (SLEEP_NAME,), SLEEP, ACTIVITY))
    assert scopes_of(answer_of(app.exchange(back["code"]))) == {SLEEP}


def test_a_person_may_grant_nothing_and_come_back_with_a_code(app: Application) -> None:
    back = returned(app.decide("allow", "ada", (), SLEEP, "openid"))
    assert scopes_of(answer_of(app.exchange(back["code"]))) == {"openid"}


def test_who_decided_before_is_sent_back_at_once_and_a_declined_box_stays_declined(app: Application) -> None:
    app.decide("allow", "ada", (SLEEP_NAME,), SLEEP, ACTIVITY)
    back = returned(app.open(SLEEP, ACTIVITY))
    assert scopes_of(answer_of(app.exchange(back["code"]))) == {SLEEP}


def test_the_screen_is_shown_again_where_the_request_forces_it_or_asks_for_more(app: Application) -> None:
    app.decide("allow", "ada", (SLEEP_NAME,), SLEEP)
    assert app.open(SLEEP).status_code == 303
    assert app.open(SLEEP, prompt="consent").status_code == 200
    assert app.open(SLEEP, ACTIVITY).status_code == 200


def test_another_browser_is_not_signed_in(app: Application) -> None:
    app.decide("allow", "ada", (SLEEP_NAME,), SLEEP)
    app.browser.cookies.clear()
    assert app.open(SLEEP).status_code == 200


def test_a_further_consent_replaces_what_was_granted_unless_the_request_asks_to_add(app: Application) -> None:
    app.decide("allow", "ada", (SLEEP_NAME,), SLEEP)
    added = returned(app.decide("allow", "ada", (ACTIVITY_NAME,), ACTIVITY, include_granted_scopes="true"))
    assert scopes_of(answer_of(app.exchange(added["code"]))) == {SLEEP, ACTIVITY}
    replaced = returned(app.decide("allow", "ada", (ACTIVITY_NAME,), ACTIVITY))
    assert scopes_of(answer_of(app.exchange(replaced["code"]))) == {ACTIVITY}


def test_a_provider_that_adds_does_so_without_being_asked(start: Callable[..., Application]) -> None:
    app = start()
    app.control("PUT", "settings", {"adds": True})
    app.decide("allow", "ada", (SLEEP_NAME,), SLEEP)
    back = returned(app.decide("allow", "ada", (ACTIVITY_NAME,), ACTIVITY))
    assert scopes_of(answer_of(app.exchange(back["code"]))) == {SLEEP, ACTIVITY}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"scope": "read:everything"}, "invalid_scope"),
    ],
)
def test_a_wrong_request_is_answered_by_a_redirect(
    app: Application, changes: dict[str, str | None], error: str
) -> None:
    assert returned(app.open(SLEEP, **changes))["error"] == error


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "somebody"},
        {"redirect_uri": "http://127.0.0.1:8000/r/back/oauth2/google_health"},
        {"redirect_uri": "https://elsewhere.example/"},
        {"redirect_uri": None},
    ],
)
def test_no_redirect_goes_to_an_address_that_is_not_registered_to_the_letter(
    app: Application, changes: dict[str, str | None]
) -> None:
    for answered in (app.open(SLEEP, **changes), app.decide("allow", "ada", (SLEEP_NAME,), SLEEP, **changes)):
        assert answered.status_code == 400
        assert "Location" not in answered.headers


def test_a_form_without_an_account_or_a_decision_changes_nothing(app: Application) -> None:
    for decision, account in (("allow", "nobody"), ("allow", ""), ("", "ada")):
        assert app.decide(decision, account, (SLEEP_NAME,), SLEEP).status_code == 400
    assert app.sandbox.grants.grant("ada") is None

"""The shipped `oauth:` blocks: what holds for all of them, and what those say that decide most."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from scopes.catalogue import Provider, default, load
from scopes.catalogue.oauth import (
    AccountFrom,
    ClientAuthentication,
    Consents,
    Encoding,
    Ends,
    OAuth,
    Omitted,
    Pkce,
    ReportedAt,
    Rotates,
    SignalKind,
)

WITH_BLOCK = sorted((one for one in load().providers.values() if one.oauth), key=lambda provider: provider.slug)
# Whose blocks the project promises. Others need not stand here.
PROMISED = {
    "dexcom", "dropbox", "github", "google", "google_health", "hubspot", "microsoft", "notion", "oura", "polar",
    "slack", "spotify", "strava", "whoop", "withings", "zoom",
}  # fmt: skip


def block(slug: str) -> OAuth:
    oauth = default().provider(slug).oauth
    assert oauth
    return oauth


def test_those_that_are_promised_have_a_block() -> None:
    slugs = {provider.slug for provider in WITH_BLOCK}
    assert slugs >= PROMISED
    assert len(slugs) >= 25


@pytest.mark.parametrize("provider", WITH_BLOCK, ids=lambda provider: provider.slug)
def test_each_block_says_where_its_facts_were_read_and_when(provider: Provider) -> None:
    assert provider.oauth
    assert provider.oauth.sources
    today = datetime.now(UTC).date()
    assert all(date(2026, 11, 1) <= day <= today for _, day in provider.oauth.sources)


@pytest.mark.parametrize("provider", WITH_BLOCK, ids=lambda provider: provider.slug)
def test_each_block_reaches_the_provider_encrypted(provider: Provider) -> None:
    assert provider.oauth
    assert all(address.startswith("https://") for address in provider.oauth.addresses)


@pytest.mark.parametrize("provider", WITH_BLOCK, ids=lambda provider: provider.slug)
def test_what_each_consent_requests_is_a_scope_of_the_provider(provider: Provider) -> None:
    assert provider.oauth
    assert all(provider.knows(scope) for scope in provider.oauth.offline_scopes)
    for scope in provider.scopes:
        assert provider.canonical(provider.requested_as(scope.name)) == scope.name


@pytest.mark.parametrize("slug", ["google", "google_health"])
def test_google_adds_to_a_grant_only_where_it_is_asked_to(slug: str) -> None:
    google = block(slug)
    assert (google.consents, google.incremental_consent) == (
        Consents.REPLACE,
        (("include_granted_scopes", "true"),),
    )
    assert (google.authorization_parameters, google.forced_consent) == (
        (("access_type", "offline"),),
        (("prompt", "consent"),),
    )
    assert google.refresh.rotates is Rotates.NO
    assert google.revocation and google.revocation.ends is Ends.GRANT
    assert google.signals and google.signals.kind is SignalKind.SET


def test_google_s_long_names_are_its_short_ones_and_requests_have_the_long_ones() -> None:
    google = default().provider("google")
    reported = "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/calendar"
    assert google.held(frozenset(reported.split())) == {"openid", "email", "calendar", "calendar.readonly"}
    assert google.requested_as("calendar") == "https://www.googleapis.com/auth/calendar"
    assert [google.requested_as(scope) for scope in ("email", "userinfo.email", "openid")] == [
        "email",
        "email",
        "openid",
    ]
    health = default().provider("google_health")
    assert health.requested_as("sleep.readonly") == "https://www.googleapis.com/auth/googlehealth.sleep.readonly"


def test_microsoft_s_capitals_and_resource_mean_nothing_and_some_scopes_need_an_administrator() -> None:
    microsoft = default().provider("microsoft")
    assert microsoft.held(frozenset({"https://graph.microsoft.com/mail.readwrite", "USER.READ"})) == {
        "Mail.ReadWrite",
        "Mail.Read",
        "User.Read",
    }
    oauth = block("microsoft")
    assert (oauth.places, oauth.admin_consent, oauth.consents) == (("tenant",), True, Consents.ADD)
    assert (oauth.offline_scopes, oauth.omitted_scope) == (("offline_access",), Omitted.AS_REQUESTED)
    assert (oauth.refresh.may_retry, oauth.revocation) == (True, None)


def test_slack_has_a_grant_of_the_person_and_another_of_the_bot() -> None:
    person, bot = block("slack"), block("slack_bot")
    assert (person.scope_parameter, person.tokens_in) == ("user_scope", "authed_user")
    assert (bot.scope_parameter, bot.tokens_in) == ("scope", "")
    assert person.account.fields == ("team.id", "authed_user.id")
    for oauth in (person, bot):
        assert (oauth.scope_separator, oauth.success, oauth.consents) == (",", (("ok", "true"),), Consents.ADD)
        assert [report.at for report in oauth.reports] == [ReportedAt.TOKEN_RESPONSE, ReportedAt.HEADER]
        assert oauth.signals and oauth.signals.kind is SignalKind.SLACK


def test_github_leaves_out_what_another_scope_includes() -> None:
    github = default().provider("github")
    assert github.held(frozenset({"user", "gist"})) == {"user", "read:user", "user:email", "user:follow", "gist"}
    assert github.held(frozenset({"repo"})) >= {"public_repo", "repo:status", "write:repo_hook", "read:repo_hook"}
    assert github.held(frozenset({"admin:org"})) == {"admin:org", "write:org", "read:org"}
    revocation = block("github").revocation
    assert revocation and (revocation.parameter, revocation.ends) == ("access_token", Ends.TOKEN)
    assert revocation.client_authentication is ClientAuthentication.BASIC


def test_strava_says_on_the_return_what_was_granted() -> None:
    strava = block("strava")
    assert [report.at for report in strava.reports] == [ReportedAt.CALLBACK, ReportedAt.TOKEN_RESPONSE]
    assert (strava.scope_separator, strava.forced_consent) == (",", (("approval_prompt", "force"),))
    assert strava.signals and strava.signals.kind is SignalKind.STRAVA


def test_withings_answers_in_its_own_envelope_and_keeps_an_old_token_for_eight_hours() -> None:
    withings = block("withings")
    assert (withings.tokens_in, withings.success) == ("body", (("status", "0"),))
    assert (withings.token_parameters, withings.account.fields) == ((("action", "requesttoken"),), ("body.userid",))
    assert (withings.refresh.grace_seconds, withings.refresh.may_retry) == (28_800, True)


def test_oura_gives_no_second_use_of_a_refresh_token() -> None:
    assert (block("oura").refresh.rotates, block("oura").refresh.may_retry) == (Rotates.YES, False)
    assert default().provider("oura").requested_as("spo2") == "spo2Daily"


def test_whoop_wants_its_offline_scope_again_at_each_refresh() -> None:
    whoop = block("whoop")
    assert (whoop.offline_scopes, whoop.refresh.parameters) == (("offline",), (("scope", "offline"),))


def test_dexcom_does_not_report_the_account() -> None:
    assert block("dexcom").account.at is AccountFrom.NOWHERE


def test_notion_and_garmin_take_no_scopes() -> None:
    notion, garmin = block("notion"), block("garmin")
    assert not notion.takes_scopes and not garmin.takes_scopes
    assert (notion.token_request, garmin.pkce) == (Encoding.JSON, Pkce.REQUIRED)
    assert [report.at for report in garmin.reports] == [ReportedAt.ENDPOINT]


def test_gitlab_wants_the_redirect_uri_again_and_linkedins_id_tokens_have_no_nonce() -> None:
    assert block("gitlab").refresh.redirect_uri
    assert not block("linkedin").nonce


def test_zoom_and_linkedin_end_what_was_granted_before() -> None:
    assert block("zoom").consents is block("linkedin").consents is Consents.REPLACE
    assert not block("zoom").incremental_consent
    assert block("linkedin").refusal_errors == ("user_cancelled_login", "user_cancelled_authorize")


def test_dropbox_adds_where_it_is_asked_to() -> None:
    dropbox = block("dropbox")
    assert dropbox.incremental_consent == (("include_granted_scopes", "user"),)
    assert dropbox.authorization_parameters == (("token_access_type", "offline"),)


def test_hubspot_lists_the_scopes_under_another_name_than_the_standard() -> None:
    assert [(report.at, report.field) for report in block("hubspot").reports] == [(ReportedAt.TOKEN_RESPONSE, "scopes")]


def test_polar_ends_a_grant_by_the_account_s_address() -> None:
    revocation = block("polar").revocation
    assert revocation and revocation.endpoint.endswith("/v3/users/{account_id}")
    assert not block("polar").places

"""The shipped files: what they say of the providers that decide most."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.conf import settings

from scopes.catalogue import Known, Provider, default, load, provider_named
from scopes.catalogue.loading import SHIPPED, names
from scopes.catalogue.provider_file import LONGEST_SLUG

PROVIDERS = sorted(load().providers.values(), key=lambda provider: provider.slug)
# Nobody has confirmed whether these tell which scopes were granted. What comes later need not stand here.
NOT_CONFIRMED = {
    "concept2",
    "coros",
    "cronometer",
    "dexcom",
    "eight_sleep",
    "fatsecret",
    "fitbit",
    "freestyle_libre",
    "google_health",
    "hammerhead",
    "huawei",
    "myfitnesspal",
    "nutracheck",
    "peloton",
    "polar",
    "strava",
    "suunto",
    "trainingpeaks",
    "ultrahuman",
    "wahoo",
    "whoop",
    "withings",
    "zwift",
}


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.slug)
def test_what_a_person_reads_is_there_in_english_and_german_and_in_no_language_without_a_catalogue(
    provider: Provider,
) -> None:
    for texts in (provider.advice, *(scope.labels for scope in provider.scopes)):
        languages = {language for language, _ in texts}
        assert not texts or languages >= {"en", "de"}
        assert languages <= dict(settings.LANGUAGES).keys()
    assert all(scope.labels for scope in provider.scopes)


def test_each_source_was_read_on_a_day_that_has_been() -> None:
    days = [day for provider in (*PROVIDERS, *names().values()) for _, day in provider.sources]
    assert days and all(date(2026, 11, 1) <= day <= datetime.now(UTC).date() for day in days)


def test_a_provider_of_which_only_the_name_is_known_is_called_by_it() -> None:
    komoot = default().known_as("terra", "KOMOOT")
    assert komoot == provider_named("komoot")
    assert (komoot.name, komoot.scopes, komoot.reports_scopes, komoot.confirmed) == ("komoot", (), Known.UNKNOWN, True)
    assert provider_named("keto_mojo").names_at("terra") == ("KETOMOJOEU", "KETOMOJOUS")
    assert provider_named("wear_os").on_device
    assert {slug for slug, entry in names().items() if not entry.confirmed} == {
        "boditrax", "flo", "my_macros_plus", "virtuagym", "wger",
    }  # fmt: skip


def test_no_name_at_terra_belongs_to_two_providers() -> None:
    everybody = (*PROVIDERS, *names().values())
    claimed = [name for entry in everybody for name in (*entry.names_at("terra"), *entry.spellings_at("terra"))]
    assert len(claimed) == len(set(claimed))
    assert len({entry.slug for entry in everybody}) == len(everybody)
    assert all(len(entry.slug) <= LONGEST_SLUG and Provider.from_data(entry.as_data()) == entry for entry in everybody)


def test_every_file_is_shipped_as_a_provider() -> None:
    assert {provider.slug for provider in PROVIDERS} == {path.stem for path in SHIPPED.iterdir()}


@pytest.mark.parametrize(
    ("terra_name", "slug"),
    [
        ("GOOGLE", "google_fit"),
        ("GOOGLEFIT", "google_fit_sdk"),
        ("GOOGLE_HEALTH", "google_health"),
        ("APPLE", "apple_health"),
        ("SAMSUNG", "samsung_health"),
        ("DEXCOM_JP", "dexcom"),
        ("OMRONUS", "omron"),
    ],
)
def test_terra_s_names_lead_to_the_right_provider(terra_name: str, slug: str) -> None:
    found = default().known_as("terra", terra_name)
    assert found
    assert found.slug == slug


@pytest.mark.parametrize(
    ("slug", "mandatory"),
    [
        ("oura", {"email", "personal", "tag"}),
        ("fitbit", {"profile", "settings"}),
        ("google_fit", {"calendar.settings.readonly", "userinfo.profile"}),
        ("garmin", set()),
        ("withings", set()),
    ],
)
def test_terra_s_mandatory_scopes_are_marked(slug: str, mandatory: set[str]) -> None:
    assert {scope.name for scope in default().provider(slug).scopes if scope.mandatory} == mandatory


def test_at_strava_every_scope_is_mandatory() -> None:
    assert all(scope.mandatory for scope in default().provider("strava").scopes)


def test_oura_s_prefix_and_its_two_names_for_blood_oxygen_are_one_scope() -> None:
    reported = frozenset({"extapi:daily", "extapi:spo2Daily", "email"})
    assert default().provider("oura").held(reported) == {"daily", "spo2", "email"}


def test_fitbit_s_three_notations_are_one_scope() -> None:
    fitbit = default().provider("fitbit")
    assert {
        fitbit.canonical(spelling) for spelling in ("activity", "ACTIVITY=READ_WRITE", "ACTIVITY=READ", "ract")
    } == {"activity"}
    assert {fitbit.canonical(spelling) for spelling in ("rwei", "rnut", "rpro", "rsle", "wset", "whr")} == {
        "weight",
        "nutrition",
        "profile",
        "sleep",
        "settings",
        "heartrate",
    }


def test_google_s_full_addresses_and_terra_s_short_names_are_one_scope() -> None:
    for slug in ("google_fit", "google_health"):
        provider = default().provider(slug)
        for scope in provider.scopes:
            if scope.name != "openid":
                assert provider.canonical(f"https://www.googleapis.com/auth/{scope.name}") == scope.name


def test_google_health_s_split_scopes_name_their_successors() -> None:
    by_name = default().provider("google_health").by_name
    assert by_name["googlehealth.sleep"].successor == "googlehealth.sleep.readonly"
    assert by_name["googlehealth.sleep.readonly"].successor == ""


def test_retired_providers_name_their_day_and_successor_and_where_they_were_read() -> None:
    ending = [provider for provider in PROVIDERS if provider.retired_on]
    assert all(provider.retirement_sources for provider in ending)
    retired = {provider.slug: (provider.retired_on, provider.successor) for provider in ending}
    assert (
        retired.items()
        >= {
            "fitbit": (date(2026, 10, 30), "google_health"),
            "google_fit": (date(2026, 12, 31), "google_health"),
            "garmin_oauth1": (date(2026, 12, 31), "garmin"),
        }.items()
    )


def test_scopes_are_reported_only_by_those_of_whom_it_is_confirmed() -> None:
    by_answer = {
        answer: {provider.slug for provider in PROVIDERS if provider.reports_scopes is answer} for answer in Known
    }
    assert by_answer[Known.YES] >= {"oura", "garmin", "google_fit"}
    assert all(provider.confirmed for provider in PROVIDERS if provider.reports_scopes is Known.YES)
    assert by_answer[Known.UNKNOWN] >= NOT_CONFIRMED
    assert by_answer[Known.NO] >= {"omron"} | {provider.slug for provider in PROVIDERS if provider.on_device}


def test_on_the_phone_are_those_that_only_a_phone_can_fix() -> None:
    assert {provider.slug for provider in PROVIDERS if provider.on_device} >= {
        "apple_health",
        "google_fit_sdk",
        "health_connect",
        "samsung_health",
    }

"""An entry of the catalogue: stored and read back, and which scopes it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from scopes.catalogue import Provider, default, load
from tests.catalogue.files import FILE, written

PROVIDERS = sorted(load().providers.values(), key=lambda provider: provider.slug)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.slug)
def test_each_shipped_provider_can_be_stored_and_read_back(provider: Provider) -> None:
    assert Provider.from_data(provider.as_data()) == provider
    assert provider.names_at("terra") or provider.oauth or provider.successor, "else nobody can be connected"
    assert provider.sources


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.slug)
def test_each_alias_resolves_to_its_scope_and_each_scope_holds_what_it_implies(provider: Provider) -> None:
    for scope in provider.scopes:
        for spelling in (scope.name, *scope.aliases):
            assert provider.canonical(spelling) == scope.name
            assert provider.held(frozenset({spelling})) >= {scope.name, *scope.implies}


def test_strava_s_wider_activity_scope_covers_the_narrower_one_and_not_the_other_way() -> None:
    strava = default().provider("strava")
    assert strava.held(frozenset({"activity:read_all"})) == {"activity:read_all", "activity:read"}
    assert strava.held(frozenset({"activity:read"})) == {"activity:read"}


def test_an_unknown_scope_is_held_under_its_own_name() -> None:
    assert default().provider("garmin").held(frozenset({"BODY_EXPORT"})) == {"BODY_EXPORT"}


def test_a_scope_is_requested_by_its_name_or_as_its_entry_says(tmp_path: Path) -> None:
    provider = load(written(tmp_path, stride=FILE + "    requested_as: act\n")).provider("stride")
    asked = [provider.requested_as(spelling) for spelling in ("sleep", "activity", "act", "Pulse")]
    assert asked == ["sleep", "act", "act", "Pulse"]


def test_a_prefix_makes_no_other_scope(tmp_path: Path) -> None:
    text = FILE + "prefixes: [https://api.stride.example/, https://api.stride.example/auth/]\n"
    provider = load(written(tmp_path, stride=text)).provider("stride")
    assert provider.held(frozenset({"https://api.stride.example/sleep", "activity"})) == {"sleep", "activity"}
    assert provider.canonical("https://api.stride.example/act") == "activity"
    assert provider.canonical("https://api.stride.example/Sleep") == "Sleep"
    assert provider.canonical("https://api.stride.example/") == "https://api.stride.example/"
    assert provider.knows("https://api.stride.example/act")
    assert not provider.knows("https://api.stride.example/pulse")


def test_of_prefixes_with_the_same_beginning_the_longest_is_removed(tmp_path: Path) -> None:
    text = FILE + "prefixes: [https://api.stride.example/, https://api.stride.example/auth/]\n"
    provider = load(written(tmp_path, stride=text)).provider("stride")
    assert provider.canonical("https://api.stride.example/auth/sleep") == "sleep"


def test_capitals_make_another_scope_unless_the_provider_ignores_them(tmp_path: Path) -> None:
    provider = load(written(tmp_path, stride=FILE)).provider("stride")
    assert provider.held(frozenset({"Sleep"})) == {"Sleep"}
    text = FILE.replace("name: sleep", "name: Sleep.Read") + "ignores_case: true\nprefixes: [https://A.example/]\n"
    careless = load(written(tmp_path, stride=text)).provider("stride")
    reported = frozenset({"https://A.example/sleep.read", "ACT", "PULSE"})
    assert careless.held(reported) == {"Sleep.Read", "activity", "pulse"}
    assert Provider.from_data(careless.as_data()).held(reported) == careless.held(reported)

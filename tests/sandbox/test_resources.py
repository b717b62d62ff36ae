"""What the sandbox calls Terra's sources is a list of its own, not the catalogue's."""

from __future__ import annotations

from collections import Counter

from scopes.catalogue import default
from scopes.sandbox.resources import Resources, listed, with_screens
from tests.sandbox.conftest import Application


def test_every_source_is_listed_once_with_an_existing_screen() -> None:
    assert not [name for name, times in Counter(row.resource for row in listed()).items() if times > 1]
    assert {row.screen for row in listed() if row.screen} <= default().providers.keys()
    assert {row.connected_by for row in listed()} == {"web", "sdk"}


def test_the_catalogue_s_names_have_no_effect() -> None:
    assert Resources(default()).find("EIGHTSLEEP") is None
    found = Resources(default()).find("dexcom_eu")
    assert found is not None and found.names_at("terra") == ("DEXCOM_EU",)


def test_every_link_of_the_catalogue_leads_to_a_source() -> None:
    names = {row.resource for row in listed()}
    assert not [name for entry in default().providers.values() for name in entry.names_at("terra") if name not in names]


def test_one_list_names_all_sources_and_the_other_those_that_are_enabled(terra: Application) -> None:
    everything = terra.get("/integrations").json()
    assert {*everything["providers"], *everything["sdk_providers"]} == {row.resource for row in listed()}
    detailed = terra.get("/integrations/detailed", sdk="true").json()["providers"]
    assert {one["provider"] for one in detailed} == set(with_screens())
    terra.change_settings(enabled_sources=["OURA", "APPLE"])
    assert [one["provider"] for one in terra.get("/integrations/detailed").json()["providers"]] == ["OURA"]

"""The sources that a command is given: those that are set up and able, by name, and all of them without a name."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError

import pytest
from django.core.management import CommandError

from scopes.catalogue import default
from scopes.management.sources import chosen, gateways, limit_of_calls


@pytest.fixture(autouse=True)
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TERRA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERRA_ENVIRONMENTS", "staging,testing")
    for name in ("STAGING", "TESTING"):
        monkeypatch.setenv(f"TERRA_{name}_DEV_ID", "dev")
        monkeypatch.setenv(f"TERRA_{name}_API_KEY", "key")


def test_without_a_name_all_that_are_able_are_chosen_and_a_name_twice_counts_once() -> None:
    assert [one.key for one in chosen([], "lists")] == ["terra:staging", "terra:testing"]
    assert [one.key for one in gateways(["terra:testing", "terra:testing"], "lists")] == ["terra:testing"]
    assert chosen([], "finishes_consents") == []


def test_one_that_is_not_set_up_is_refused_and_those_that_are_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = "there are: terra:staging, terra:testing"
    with pytest.raises(CommandError, match=f"no source 'terra:production' for this; {listed}") as refused:
        chosen(["terra:production"], "checks_up")
    assert refused.value.returncode == 1
    with pytest.raises(CommandError, match="no source 'terra:staging' for this; there are: none"):
        chosen(["terra:staging"], "finishes_consents")
    monkeypatch.delenv("TERRA_STAGING_API_KEY")
    with pytest.raises(CommandError, match="needs TERRA_STAGING_API_KEY"):
        chosen(["terra:staging"], "checks_up")


def test_the_sources_of_a_provider_are_those_at_which_it_can_be_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTH2_CLIENTS", "google")
    monkeypatch.setenv("OAUTH2_GOOGLE_PROVIDER", "google_health")
    monkeypatch.setenv("OAUTH2_GOOGLE_CLIENT_ID", "id")
    monkeypatch.setenv("OAUTH2_GOOGLE_CLIENT_SECRET", "secret")
    oura, google = default().provider("oura"), default().provider("google_health")
    assert {one.key for one in gateways([], "lists", [oura])} == {"terra:staging", "terra:testing"}
    assert "oauth2:google" in {one.key for one in gateways([], "lists", [google])}
    assert {one.key for one in gateways(["terra:staging"], "lists", [google, oura])} == {"terra:staging"}


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", ""])
def test_a_limit_of_calls_is_a_number_from_1(text: str) -> None:
    assert limit_of_calls("7").most == 7
    with pytest.raises(ArgumentTypeError, match="is not a number from 1"):
        limit_of_calls(text)

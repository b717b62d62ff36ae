"""The command previews by default, publishes on request, and does nothing a second time."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from scopes.judge import person
from scopes.models import Integration, Period, PolicyVersion, TrailEntry
from tests import cast as people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

POLICY = """
- source: terra:prod
  provider: oura
  note: Coaching is for all.
  requested: [email, personal, daily, heartrate, workout, tag, session, spo2]
  requirements:
    - {feature: sleep, any_of: [daily]}
    - {feature: recovery, any_of: [heartrate], level: recommended}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policies.yaml"
    path.write_text(POLICY)
    return path


def publish(file: Path, *arguments: str) -> list[str]:
    out = StringIO()
    call_command("publish_policies", str(file), *arguments, stdout=out)
    return out.getvalue().splitlines()


def rows() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in apps.get_app_config("scopes").get_models()}


def test_without_apply_it_reports_the_impact_and_writes_nothing(file: Path) -> None:
    before = rows()

    output = publish(file)

    assert output == [
        "oura through terra:prod, policy 3: 4 connections",
        "  change of health: 1 to reduced; a link could fix 1",
        "Nothing was published. Add --apply to publish.",
    ]
    assert rows() == before


def test_applied_it_publishes_once_and_finds_it_in_force_the_next_time(file: Path) -> None:
    assert publish(file, "--apply") == [
        "oura through terra:prod, policy 3: 4 connections",
        "  change of health: 1 to reduced; a link could fix 1",
        "  published; 0 connections assigned to the consent screen they saw",
    ]
    (ben,) = person.overview_of(people.the("ben")).connections
    assert (ben.policy.number, ben.explanation.health) == (3, "reduced")
    before = rows()

    assert publish(file, "--apply") == publish(file) == ["oura through terra:prod: as in force"]
    assert rows() == before
    last = TrailEntry.objects.get(verb="policy.published", subject__endswith="policy 3")
    assert (last.reason, last.actor_name != "") == ("Coaching is for all.", True)


def test_a_date_that_was_forgotten_is_still_a_difference(file: Path) -> None:
    """A consent screen that is known to be older than we thought gives those who saw it another reason."""
    file.write_text(POLICY.replace("tag, session, spo2]", "tag]"))
    publish(file, "--apply")
    assert people.connection_of("ada").standing.consent_version == PolicyVersion.objects.get(
        integration=people.integration_of("oura"), number=2
    )

    file.write_text(file.read_text().replace("  note:", "  in_force_from: 2026-02-01\n  note:"))
    assert publish(file, "--apply")[-1] == "  published; 4 connections assigned to the consent screen they saw"

    assert people.connection_of("ada").standing.consent_version == PolicyVersion.objects.get(
        integration=people.integration_of("oura"), number=4
    )
    assert publish(file, "--apply") == ["oura through terra:prod: as in force"]


def test_a_policy_can_come_before_the_first_connection(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ENVIRONMENTS": "new", "NEW_DEV_ID": "id", "NEW_API_KEY": "key", "NEW_PRODUCTION": "1"}.items():
        monkeypatch.setenv(f"TERRA_{name}", value)
    file.write_text(POLICY.replace("terra:prod", "terra:new"))

    assert publish(file)[0] == "oura through terra:new, policy 2: 0 connections"
    assert not Integration.objects.filter(source__key="terra:new").exists()
    publish(file, "--apply")

    made = Integration.objects.get(source__key="terra:new")
    assert made.policy_version is not None and made.source.production


@pytest.mark.parametrize("arguments", [(), ("--apply",)])
def test_an_unconfigured_source_is_refused_and_the_known_ones_are_named(
    file: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ENVIRONMENTS": "staging", "STAGING_DEV_ID": "id", "STAGING_API_KEY": "key"}.items():
        monkeypatch.setenv(f"TERRA_{name}", value)
    file.write_text(POLICY + POLICY.replace("terra:prod", "terra:prodution"))
    before = rows()

    with pytest.raises(
        CommandError, match=r"^There is no source 'terra:prodution'; there are .*terra:prod, terra:stag"
    ):
        publish(file, *arguments)

    assert rows() == before


def test_one_entry_that_cannot_be_stops_all_of_them(file: Path) -> None:
    file.write_text(POLICY + "- {source: terra:prod, provider: oura, requested: [dreams]}\n")
    before = rows()

    with pytest.raises(CommandError, match=r"policies\.yaml, policy 2: .* no scope 'dreams' of oura") as refused:
        publish(file, "--apply")

    assert refused.value.returncode == 1
    assert rows() == before


def test_publishing_touches_no_connection(file: Path) -> None:
    before = list(Period.objects.order_by("pk").values())
    publish(file, "--apply")
    assert list(Period.objects.order_by("pk").values()) == before

"""`publish_draft`: what the desk leaves to the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from scopes.judge.policy import draft
from scopes.models import PolicyVersion, Source, TrailEntry
from tests import cast as people

WHY = {"agent": "rex", "reason": "Calm goes live.", "apply": True}


@pytest.fixture
def stress(cast: Source) -> PolicyVersion:
    """A draft that requests one scope more."""
    User.objects.create_superuser("rex")
    User.objects.create_user("vera")
    content = people.OURA_POLICY | {"requested": [*people.EVERYTHING, "stress"]}
    return draft(people.integration_of("oura"), content, author="Pat", now=people.NOW)


def in_force() -> int:
    version = people.integration_of("oura").policy_version
    assert version is not None
    return version.number


def test_without_apply_it_shows_what_would_change(stress: PolicyVersion, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("publish_draft", stress.pk)
    assert capsys.readouterr().out.splitlines() == [
        "Oura through terra:prod, policy 3",
        "  + requested `stress`",
        "Nothing was published. Add --apply to publish.",
    ]
    assert in_force() == 2


def test_with_apply_it_publishes_and_moves_who_consented_since(
    stress: PolicyVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    since = datetime(2026, 2, 1)  # noqa: DTZ001 - as it is typed
    call_command("publish_draft", stress.pk, **(WHY | {"in_force_from": since}))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "  published; 4 connections assigned to the consent screen they saw"
    assert in_force() == 3
    assert people.connection_of("Ada").standing.consent_version == stress
    entry = TrailEntry.objects.get(verb="policy.published", detail__version=3)
    assert (entry.actor_name, entry.reason) == ("rex", "Calm goes live.")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"agent": ""}, "Name with --as a user"),
        ({"agent": "vera"}, "Name with --as a user"),
        ({"reason": " "}, "Say with --reason why"),
        ({"in_force_from": people.NOW.replace(year=2999)}, "is in the future"),
    ],
)
def test_an_impossible_publication_is_refused(stress: PolicyVersion, wrong: dict[str, Any], expected: str) -> None:
    with pytest.raises(CommandError, match=expected):
        call_command("publish_draft", stress.pk, **(WHY | wrong))
    assert in_force() == 2


def test_it_publishes_once(stress: PolicyVersion) -> None:
    with pytest.raises(CommandError, match="There is no policy 0"):
        call_command("publish_draft", 0)
    call_command("publish_draft", stress.pk, **WHY)
    with pytest.raises(CommandError, match="policy 3 was published on"):
        call_command("publish_draft", stress.pk, **WHY)

"""Why attempts failed, in words: who did what, and which box was left unticked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scopes.admin.attempt_words import failures, link_helps, never_headline
from scopes.catalogue import default
from scopes.facts import AttemptFailed
from scopes.judge.cards import never_completed
from scopes.judge.person import overview_of
from scopes.models import Attempt, Source
from tests import cast as people


def why(name: str, reason: str, provider: str = "oura", **more: Any) -> str:
    """What is said of an attempt of one of the cast that failed."""
    people.take_in(AttemptFailed(people.NOW, reason, provider=provider, reference_id=f"ref-{name}", **more))
    account = overview_of(people.the(name))
    (said,) = failures(account, never_completed(account)).values()
    return said


def boxes(*names: str) -> list[str]:
    return [f"“{scope.box or scope.label}”" for scope in default().provider("oura").scopes if scope.name in names]


def test_the_box_that_was_left_unticked_is_named(cast: Source) -> None:
    (email,) = boxes("email")
    assert why("dee", "missing_scopes", message="The scope email was not granted.") == (
        f"Dee left {email} unticked, and without it Oura makes no connection"
    )


def test_where_the_source_names_none_all_boxes_that_must_stay_ticked_are(cast: Source) -> None:
    said = why("ben", "missing_scopes")
    assert said.startswith("Ben left “") and said.endswith("unticked, and Oura makes no connection without all of them")
    assert all(box in said for box in boxes("email", "personal", "tag"))


def test_where_no_box_is_known_or_too_many_are_none_is_named(cast: Source) -> None:
    said = "Ada left a permission unticked without which {} makes no connection"
    assert why("ada", "missing_scopes", "strava") == said.format("Strava")
    Attempt.objects.all().delete()
    assert why("ada", "missing_scopes", "whoop") == said.format("WHOOP")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("access_denied", "Ada did not allow it at WHOOP, or cancelled"),
        ("admin_consent_required", "at WHOOP only an administrator of the person’s organisation can allow it"),
        ("wrong_account", "Ada signed in to WHOOP with another account than before"),
        ("not_minted", "the consent screen of WHOOP could not be opened"),
        ("no reason given", "the source gave no reason"),
        ("server_error", "the source reports `server_error`"),
    ],
)
def test_every_other_failure_has_its_words(cast: Source, reason: str, said: str) -> None:
    assert why("ada", reason, "whoop") == said


def test_the_headline_counts_the_attempts_and_says_what_helps(cast: Source) -> None:
    def headline() -> str:
        account = overview_of(people.the("ada"))
        (never,) = never_completed(account)
        return never_headline(never, failures(account, [never]), people.NOW)

    why("ada", "access_denied", "whoop")
    assert headline() == (
        "The attempt to connect failed: Ada did not allow it at WHOOP, or cancelled; a new link lets them try again."
    )
    earlier = people.NOW - timedelta(hours=1)
    people.take_in(AttemptFailed(earlier, "server_error", provider="whoop", reference_id="ref-ada"))
    assert headline().startswith("2 attempts to connect failed, and this is why the last one did: Ada did not allow")
    Attempt.objects.update(result="missing_scopes")
    assert headline().startswith("2 attempts to connect failed: Ada left a permission unticked")
    assert headline().endswith("; a new link will help if nothing is unticked.")
    Attempt.objects.update(result="admin_consent_required")
    assert headline().endswith("; no link helps before.")
    (never,) = never_completed(overview_of(people.the("ada")))
    assert not link_helps(never)


def test_attempts_at_a_service_that_has_ended_lead_to_its_successor_and_go_once_that_is_connected(cast: Source) -> None:
    why("ada", "access_denied", "fitbit")
    account = overview_of(people.the("ada"))
    (never,) = never_completed(account)
    said = never_headline(never, failures(account, [never]), people.NOW + timedelta(days=3650))
    assert said.endswith("; it has shut down since, and a link leads to what takes its place.")

    people.take_in(people.consent("ada", "google_health", ()))
    assert never_completed(overview_of(people.the("ada"))) == []

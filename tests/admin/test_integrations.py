"""Integrations and policy versions, as they are listed: what is requested, approved and needed."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from scopes.models import Integration, PolicyVersion
from tests import cast as people
from tests.admin.drafts import drafted
from tests.admin.reading import words_of


def test_an_integration_shows_its_policy_in_force(oura: Integration, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("viewer")
    listed = words_of(browser.get(reverse("admin:scopes_integration_changelist")).text)
    assert "Oura terra:prod Policy 2 daily email heartrate personal" in listed
    page = words_of(browser.get(reverse("admin:scopes_integration_change", args=[oura.pk])).text)
    assert "recovery requires heartrate : We need your heart rate to show how you recover." in page
    assert "coaching requires session, for plans pro" in page
    assert "Approved scopes Not recorded." in page


def test_a_source_that_is_no_production_is_marked(oura: Integration, signed_in: Callable[[str], Client]) -> None:
    people.integration_of("oura", people.terra("terra:staging"))
    listed = words_of(signed_in("viewer").get(reverse("admin:scopes_integration_changelist")).text)
    assert "terra:staging not production" in listed and "terra:prod not production" not in listed


def test_a_draft_is_listed_as_one(oura: Integration, signed_in: Callable[[str], Client]) -> None:
    made = drafted(oura, note="Calm needs stress.")
    listed = words_of(signed_in("viewer").get(reverse("admin:scopes_policyversion_changelist")).text)
    assert f"Policy {made.number} Oura through terra:prod Draft not by this version Pat Calm needs stress." in listed
    assert PolicyVersion.objects.filter(published_at=None).count() == 1

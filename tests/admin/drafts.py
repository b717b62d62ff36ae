"""Drafts of Oura's policy, and their pages as they are read."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.judge.policy import draft
from scopes.models import Integration, PolicyVersion
from tests import cast as people
from tests.admin.reading import words_of

NEEDS_STRESS: dict[str, Any] = {
    "requested": [*people.EVERYTHING, "stress"],
    "requirements": [*people.OURA_POLICY["requirements"], {"feature": "calm", "any_of": ["stress"]}],
}


def drafted(integration: Integration, content: dict[str, Any] = NEEDS_STRESS, note: str = "") -> PolicyVersion:
    return draft(integration, content, author="Pat", now=timezone.now(), note=note)


def read(browser: Client, name: str, pk: int, query: str = "") -> str:
    response = browser.get(reverse(f"admin:{name}", args=[pk]) + query)
    assert response.status_code == 200
    return words_of(response.content.decode())


def in_force(integration: Integration) -> PolicyVersion:
    return Integration.objects.select_related("policy_version").get(pk=integration.pk).policy_version  # type: ignore[return-value]

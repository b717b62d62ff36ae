"""What the tests of acts have in common: who may, why, and a waiver of Ben's."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from scopes import flow
from scopes.models import Waiver
from scopes.models.trail import Act
from tests import cast as people
from tests.reauth.hands import rex

ROLES = {"viewer": False, "agent": True, "lead": True, "engineer": False, "auditor": False, "none": False}
WHY = {"reason": "He said that his heart is his own.", "ticket": "T-3"}


def page_of(name: str, query: str = "") -> str:
    return reverse("admin:person", args=[people.the(name).pk]) + query


def waive_address(name: str = "Ben", need: str = "heartrate") -> str:
    return reverse("admin:waive", args=[people.connection_of(name).pk]) + f"?need={need}"


def in_days(days: int) -> str:
    return f"{timezone.now().date() + timedelta(days=days):%Y-%m-%d}"


def waived() -> Waiver:
    until = timezone.now().date() + timedelta(days=30)
    return flow.waive(people.connection_of("Ben"), "heartrate", until, Act(rex(), "His own."), timezone.now())

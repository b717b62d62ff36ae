"""The desk's site: its screens alone, for those who may open them, and whom they showed is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import NoReverseMatch, reverse

from scopes.admin.screens import desk
from scopes.admin.site import Desk
from scopes.models import Source
from tests import cast as people
from tests.admin.every_screen import address
from tests.admin.reading import written


@pytest.mark.parametrize("name", ["autocomplete", "jsi18n", "view_on_site", "app_list"])
def test_what_no_page_leads_to_is_not_there(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(f"admin:{name}", args=[1, 1] if name == "view_on_site" else [])


@pytest.mark.parametrize(
    "address", ["autocomplete/?app_label=auth&model_name=group&field_name=user", "jsi18n/", "r/1/1/"]
)
def test_its_address_is_no_page(signed_in: Callable[[str], Client], address: str) -> None:
    assert signed_in("everything").get(f"/admin/{address}").status_code == 404


def test_a_list_that_takes_anything_cannot_be_registered() -> None:
    class Anything(admin.ModelAdmin):  # type: ignore[type-arg]
        pass

    for admin_class in (Anything, None):
        with pytest.raises(TypeError, match="would take any filter"):
            Desk().register(Group, admin_class)


def test_a_new_screen_is_covered_without_a_word_of_its_own(
    everything: Source, agent: Callable[[str], User], rf: Any
) -> None:
    """Not by its template, not by the desk's page: by what it reads and what stands in its answer."""

    def some(request: HttpRequest) -> HttpResponseBase:
        return desk.page(request, "admin/alone.html", f"{people.the('Ben').email}")

    request = rf.get("/admin/some/")
    request.user = agent("agent")
    desk.admin_view(some)(request)
    assert written() == {people.the("Ben").pk}


def test_a_screen_that_may_not_be_opened_shows_no_person(
    everything: Source, signed_in: Callable[[str], Client]
) -> None:
    assert signed_in("engineer").get(address("person")).status_code == 403
    assert Client().get(address("person")).status_code == 302
    assert not written()

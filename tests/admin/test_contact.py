"""“Do not contact”: who may set and lift it, and what it stops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.models import DontContact, Source
from scopes.reauth import contact
from tests import cast as people
from tests.admin.acts import ROLES, WHY, in_days, page_of
from tests.admin.reading import words_of
from tests.reauth.hands import act


@pytest.mark.parametrize("role", ROLES)
def test_agents_set_the_mark_and_only_a_lead_lifts_it(
    cast: Source, signed_in: Callable[[str], Client], role: str
) -> None:
    browser, ben = signed_in(role), people.the("Ben")
    set_it, lift_it = (reverse(f"admin:{name}", args=[ben.pk]) for name in ("dont_contact", "lift_dont_contact"))
    answers = [browser.get(set_it), browser.post(set_it, WHY)]
    assert [answer.status_code for answer in answers] == ([200, 302] if ROLES[role] else [403, 403])
    if not ROLES[role]:
        contact.set_mark(ben, act("No mail."), timezone.now())

    answers = [browser.get(lift_it), browser.post(lift_it, WHY)]
    assert [answer.status_code for answer in answers] == ([200, 302] if role == "lead" else [403, 403])
    assert DontContact.objects.filter(lifted_at__isnull=True).exists() is (role != "lead")


def test_a_marked_person_is_shown_so_and_only_a_lead_sends_a_link(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    ben = people.the("Ben")
    signed_in("agent").post(reverse("admin:dont_contact", args=[ben.pk]), WHY | {"until": in_days(10)})
    page = words_of(signed_in("agent").get(page_of("Ben")).content.decode())
    assert "Do not contact through" in page and WHY["reason"] in page and "Allow contact again" not in page
    assert "Allow contact again" in words_of(signed_in("lead").get(page_of("Ben")).content.decode())

    link = reverse("admin:send_link", args=[ben.pk, cast.pk, "oura"])
    form = {"language": "en", "days": "7", "reason": "He asked for it on the phone.", "override": "on"}
    assert "is marked “Do not contact”" in signed_in("agent").get(link).content.decode()
    assert signed_in("agent").post(link, form).status_code == 409
    assert signed_in("lead").post(link, form, follow=True).context["url"]

"""The form of a draft: what is ticked and typed is drafted, and what can't be is said with the field."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from scopes.judge.content import check
from scopes.models import Integration, PolicyVersion
from tests import cast as people
from tests.admin.drafts import in_force


def fields_of(browser: Client, integration: Integration, query: str = "") -> dict[str, Any]:
    """What a browser would send of the draft's form as it is shown."""
    address = reverse("admin:draft_policy", args=[integration.pk]) + query
    editor = browser.get(address).context["editor"]
    form, rows = editor.form, editor.rows
    sent = {
        "requested": [box.name for box in editor.boxes() if box.requested],
        "approved": [box.name for box in editor.boxes() if box.approved],
        "approval": form["approval"].value(),
        "note": "",
        **{field.html_name: field.value() for field in rows.management_form},
    }
    for row in rows:
        sent |= {field.html_name: value for field in row if (value := field.value()) not in (None, False)}
    return sent


def test_a_form_that_is_sent_as_it_is_shown_drafts_the_same_policy(oura: Integration, engineer: Client) -> None:
    content = people.OURA_POLICY | {
        "requested": ["daily", "heartrate"],
        "approved": ["daily"],
        "requirements": [
            {
                "feature": "sleep",
                "any_of": ["spo2", "daily"],
                "level": "recommended",
                "plans": ["free", "pro"],
                "title": {"en": "Sleep", "fr": "Sommeil"},
                "why": {"de": "für den Schlaf"},
            },
            {"feature": "old", "any_of": ["a scope of the past"]},
        ],
    }
    people.policy_for("oura", content)
    sent = fields_of(engineer, oura)
    response = engineer.post(reverse("admin:draft_policy", args=[oura.pk]), sent)
    made = PolicyVersion.objects.latest("pk")
    assert response.headers["Location"] == reverse("admin:policy_impact", args=[made.pk])
    assert made.content == in_force(oura).content and made.author == "agent-engineer" and made.published_at is None


def test_what_is_ticked_and_typed_is_drafted(oura: Integration, engineer: Client) -> None:
    sent = fields_of(engineer, oura)
    sent |= {
        "requested": ["daily", "stress"],
        "approval": "these",
        "approved": ["daily"],
        "note": "Calm is new.",
        "needs-0-DELETE": "on",
        "needs-4-feature": "calm",
        "needs-4-any_of": "stress, spo2",
        "needs-4-level": "recommended",
        "needs-4-plans": "pro, team",
        "needs-4-title_de": "Ruhe",
        "needs-4-why_en": "to show how calm you are",
    }
    engineer.post(reverse("admin:draft_policy", args=[oura.pk]), sent)
    made = PolicyVersion.objects.latest("pk")
    assert (made.number, made.note) == (3, "Calm is new.")
    recovery, training, coaching = people.OURA_POLICY["requirements"][1:]
    calm = {
        "feature": "calm",
        "any_of": ["stress", "spo2"],
        "level": "recommended",
        "plans": ["pro", "team"],
        "title": {"de": "Ruhe"},
        "why": {"en": "to show how calm you are"},
    }
    assert check(made.content) == check(
        {
            "requested": ["daily", "stress"],
            "approved": ["daily"],
            "requirements": [recovery, training, coaching, calm],
        }
    )
    assert in_force(oura).number == 2


def test_adding_a_row_keeps_what_was_typed_and_saves_nothing(oura: Integration, engineer: Client) -> None:
    before = PolicyVersion.objects.count()
    sent = fields_of(engineer, oura) | {"needs-4-feature": "calm", "add_row": "1"}
    response = engineer.post(reverse("admin:draft_policy", args=[oura.pk]), sent)
    page = response.content.decode()
    assert 'name="needs-4-feature" value="calm"' in page and 'name="needs-5-feature"' in page
    assert "errorlist" not in page and PolicyVersion.objects.count() == before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"needs-4-any_of": "daily"}, "This field is required."),
        ({"needs-4-feature": "calm"}, "This field is required."),
        ({"needs-4-feature": "calm", "needs-4-any_of": " , "}, "Any_of needs at least one scope."),
        ({"needs-4-feature": "calm", "needs-4-any_of": "stres"}, "has no scope &#x27;stres&#x27; for Oura."),
        ({"needs-4-feature": "calm", "needs-4-any_of": "daily", "needs-4-level": "nice"}, "nice is not one of the"),
        ({"needs-4-feature": "calm", "needs-4-any_of": "d" * 201}, "The catalogue has no scope"),
        ({"needs-4-feature": "calm", "needs-4-any_of": "daily", "needs-4-plans": "p" * 201}, "at most 200 characters"),
        ({"requested": ["made up"]}, "made up is not one of the available choices."),
        ({"approval": ""}, "This field is required."),
        ({"needs-TOTAL_FORMS": "many"}, "ManagementForm data is missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_beside_the_field_and_nothing_is_lost(
    oura: Integration, engineer: Client, wrong: dict[str, Any], said: str
) -> None:
    before = PolicyVersion.objects.count()
    sent = fields_of(engineer, oura) | {"note": "Kept."} | wrong
    response = engineer.post(reverse("admin:draft_policy", args=[oura.pk]), sent)
    page = response.content.decode()
    assert said in page and "Not saved." in page and "Kept." in page
    assert PolicyVersion.objects.count() == before

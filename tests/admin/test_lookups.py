"""What may be typed into the address of a list or form of Django's: what its page offers, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.admin import SimpleListFilter
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import connection
from django.db.models import Field, Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scopes.admin.screens import desk
from scopes.models import Source

ROLES = ["viewer", "agent", "lead", "engineer", "auditor", "everything"]
OTHERS = ["o=1", "o=-2.3", "all=", "_facets=True", "_popup=1", "_to_field=id", "_source_model=auth.user", "q=a", "pk=1"]
LOOKUPS = ["", "__exact", "__iregex", "__startswith", "__contains", "__gte", "__in", "__isnull", "__range", "__regex"]


def lists() -> list[type[Model]]:
    return list(desk._registry)


def lookups(model: type[Model]) -> Iterator[str]:
    """Each of each field, and one of each field of each related model."""
    for field in model._meta.get_fields():
        yield from (f"{field.name}{lookup}" for lookup in LOOKUPS)
        if isinstance(field.related_model, type):
            yield from (f"{field.name}__{beyond.name}__regex" for beyond in field.related_model._meta.get_fields())
        if isinstance(field, Field) and field.get_internal_type() == "JSONField":
            yield from (f"{field.name}__user__reference_id{lookup}" for lookup in LOOKUPS)


def offered(model: type[Model]) -> set[str]:
    """The parameters of the filters of its list, as Django names them, and those of its pages."""
    filters = desk._registry[model].list_filter
    named = {str(one.parameter_name) for one in filters if isinstance(one, type) and issubclass(one, SimpleListFilter)}
    fields = {one for one in filters if isinstance(one, str)}
    return named | {f"{one}{end}" for one in fields for end in ("__exact", "__isnull", "__id__exact")} | {"p", "e"}


@pytest.mark.parametrize("model", lists(), ids=lambda model: model.__name__)
def test_a_list_takes_no_filter_that_it_does_not_offer(
    records: Source, agent: Callable[[str], User], model: type[Model]
) -> None:
    allowed, user = offered(model), agent("everything")
    for name in lookups(model):
        if name in allowed:
            continue
        with CaptureQueriesContext(connection) as asked:
            assert not takes(model, user, {name: "(.*)(.*)(.*)\\1\\2\\3c"}), name
        assert not [one for one in asked if "\\1\\2\\3c" in one["sql"]], name


def takes(model: type[Model], user: User, query: dict[str, str]) -> bool:
    """True unless the list answers that address with 400."""
    request = RequestFactory().get("/", query)
    request.user = user
    try:
        desk._registry[model].changelist_view(request)
    except (BadRequest, SuspiciousOperation):
        return False
    return True


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_filter_by_what_it_may_not_see(
    records: Source, signed_in: Callable[[str], Client], role: str
) -> None:
    browser = signed_in(role)
    for model in lists():
        address = reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")
        if browser.get(address).status_code != 200:
            continue
        field = model._meta.get_fields()[-1].name
        tried = [
            *OTHERS,
            f"{field}__regex=(",
            "body__user__reference_id__startswith=told",
            "secret_hash__gte=",
            "e=1&p=9",
        ]
        for query in tried:
            if query == "q=a" and desk._registry[model].search_fields:
                continue
            response = browser.get(f"{address}?{query}")
            assert response.status_code == 400, (address, query)
            assert "Invalid request" in response.text


def test_what_a_list_offers_it_takes(records: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("everything")
    for model in lists():
        address = reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")
        listed = browser.get(address).context["cl"]
        for spec in listed.filter_specs:
            for choice in spec.choices(listed):
                assert browser.get(address + choice["query_string"]).status_code == 200, (address, choice)
        assert browser.get(address, {"p": "1"}).status_code == 200


@pytest.mark.parametrize("value", ["abc", "99999999999999999999999", "-1", "1 OR 1=1", "", "1,2", "٣"])
def test_a_value_that_a_filter_does_not_offer_is_no_failure(
    records: Source, signed_in: Callable[[str], Client], value: str
) -> None:
    browser = signed_in("everything")
    for model in lists():
        address = reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")
        for name in offered(model):
            assert browser.get(address, {name: value}).status_code in (200, 302, 400), (address, name)


def test_the_same_filter_twice_is_refused(records: Source, signed_in: Callable[[str], Client]) -> None:
    address = reverse("admin:scopes_delivery_changelist")
    assert signed_in("engineer").get(f"{address}?state=done&state=failed").status_code == 400


def test_a_search_in_a_list_is_no_longer_than_a_name(signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("everything")
    address = reverse("admin:auth_user_changelist")
    assert browser.get(address, {"q": "agent"}).status_code == 200
    assert browser.get(address, {"q": "a " * 5000}).status_code == 400


@pytest.mark.parametrize(
    "query", ["_to_field=password", "_to_field=username", "_popup=1", "is_superuser=1", "groups=1"]
)
def test_a_form_takes_no_values_and_no_other_key_from_its_address(
    signed_in: Callable[[str], Client], query: str
) -> None:
    browser = signed_in("everything")
    user = User.objects.get()
    for screen, key in (("add", []), ("change", [user.pk]), ("history", [user.pk]), ("delete", [user.pk])):
        assert browser.get(f"{reverse(f'admin:auth_user_{screen}', args=key)}?{query}").status_code == 400, screen
    assert browser.post(reverse("admin:auth_user_add"), dict([query.split("=")])).status_code in (200, 400)
    delivered = reverse("admin:scopes_delivery_change", args=[1])
    assert browser.get(f"{delivered}?{query}").status_code == 400

"""The filters in the address: what no choice offers is not chosen, and an address leads back to its choice."""

from __future__ import annotations

from django.http import QueryDict

from scopes.admin.connection_filters import address_of, filters_of, read, read_order
from scopes.judge import census
from scopes.judge.connection_pages import Order
from scopes.models import Integration, Source
from tests import cast as people


def integrations() -> list[Integration]:
    return list(Integration.objects.select_related("provider", "source", "policy_version"))


def test_every_choice_leads_to_a_page_on_which_it_is_chosen(cast: Source) -> None:
    census.take(people.NOW)
    rows = integrations()
    offered = [choice for one in filters_of(read({}, rows), Order.NEWEST, rows) for choice in one.choices]
    assert len(offered) > 12
    for choice in offered:
        asked = QueryDict(choice.address[1:]).dict()
        chosen = read(asked, rows)
        assert address_of(chosen, read_order(asked["order"], chosen)) == choice.address
        assert sum(map(bool, chosen.values())) == (choice.number is not None)


def test_a_scope_that_the_chosen_provider_does_not_need_is_not_chosen(cast: Source) -> None:
    rows = integrations()
    withings = str(people.integration_of("withings").pk)
    assert read({"scope": "heartrate"}, rows)["scope"] == "heartrate"
    assert read({"scope": "heartrate", "integration": withings}, rows)["scope"] == ""


def test_an_order_that_is_not_offered_is_the_oldest_first(cast: Source) -> None:
    chosen = read({}, integrations())
    assert read_order("last_consent", chosen) is Order.OLDEST is read_order("person", chosen)
    assert read_order("newest", chosen) is Order.NEWEST

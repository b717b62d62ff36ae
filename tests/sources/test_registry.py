"""Kinds of sources are found by their key, and what stands in the records outlives them."""

from __future__ import annotations

import pytest

from scopes.catalogue import default
from scopes.facts import AccountTrouble
from scopes.sources import registry
from scopes.sources.errors import NotConfigured
from scopes.sources.registry import SetUp
from tests.sources.fake import FakeKind


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeKind:
    kind = FakeKind()
    monkeypatch.setattr(registry, "KINDS", {"fake": kind})
    return kind


def test_a_source_that_is_set_up_is_found_by_its_key() -> None:
    assert [(one.key, one.production) for one in registry.set_up().values()] == [("fake:app", False)]
    assert registry.gateway("fake", "app").key == "fake:app"
    assert (registry.able("lists"), registry.able("checks_up")) == (["fake"], [])


def test_a_kind_that_is_no_longer_there_is_named_and_cannot_be_asked() -> None:
    assert registry.kind_of("gone") is None
    assert [registry.title_of(SetUp(kind, "app", False)) for kind in ("gone", "fake")] == ["Gone", "Fakery"]
    assert registry.names_for("gone", "app", default().provider("oura")) == ()
    with pytest.raises(NotConfigured, match="no kind of source 'gone'; there are fake"):
        registry.gateway("gone", "app")
    trouble = registry.trouble_of("gone", "app", "credential")
    assert trouble and trouble.action == "Look at our account there."


def test_a_trouble_says_what_it_means_and_who_does_what_about_it() -> None:
    trouble = registry.trouble_of("fake", "app", AccountTrouble.USER_LIMIT.value)
    assert trouble is not None
    assert trouble.meaning == "The account at Fakery has reached its limit of connections. No one can connect."
    assert trouble.action == "Ask its support."
    assert registry.trouble_of("fake", "app", "") is None


def test_a_check_is_named_where_the_kind_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    trouble = registry.trouble_of("terra", "production", "credential")
    assert trouble and trouble.action.endswith(" Then run check_source terra:production.")


def test_a_consent_begins_with_the_name_that_the_source_reported() -> None:
    assert registry.names_for("fake", "app", default().provider("oura"), "OURA_2") == ("OURA_2",)
    assert registry.names_for("fake", "app", default().provider("oura")) == ("oura",)


def test_the_variables_of_a_kind_are_distinguished_from_all_others() -> None:
    assert registry.own_variables({"FAKE_KEY": "x", "PORTAL_MODE": "test"}) == {"PORTAL_MODE": "test"}

"""The store of changes refuses other files, and is safe from several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scopes.sandbox.server import NotReady, Sandbox
from scopes.sandbox.store import Store, StoreError
from tests.sandbox.conftest import Application, population


def test_a_store_of_other_people_is_refused(tmp_path: Path) -> None:
    Store(tmp_path / "store", seed=1).close()
    with pytest.raises(StoreError, match="--seed 1, not 2"):
        Store(tmp_path / "store", seed=2)
    Store(tmp_path / "store", seed=1).close()


def test_a_file_that_is_no_store_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear Ada, " * 100)
    with pytest.raises(StoreError, match="Name another --store"):
        Store(tmp_path / "letter", seed=1)
    assert (tmp_path / "letter").read_text() == "Dear Ada, " * 100


@pytest.mark.parametrize(("store", "webhook_url"), [("/nowhere/at/all", ""), (":memory:", "mailto:ada@example.com")])
def test_a_sandbox_that_cannot_start_names_the_remedy(store: str, webhook_url: str) -> None:
    with pytest.raises(NotReady, match=r"--store|http or https"):
        Sandbox(population(), store, {}, 0, webhook_url)


def test_of_many_presses_at_once_one_counts(terra: Application) -> None:
    link = terra.link("GARMIN", "new-here")["auth_url"]
    with ThreadPoolExecutor(8) as presses:
        answers = list(presses.map(lambda _: terra.decide(link, "allow", "HEALTH_EXPORT").status_code, range(8)))
    assert sorted(answers) == [303] + [410] * 7
    assert len(terra.users("new-here")) == 1


def test_a_press_between_check_and_decision_counts_once(terra: Application) -> None:
    account = terra.sandbox.account
    session = account.store.session_of(terra.link("GARMIN", "new-here")["user_id"])
    assert session
    assert account.grant(session, {"HEALTH_EXPORT"})
    assert account.grant(session, {"HEALTH_EXPORT"}) is None
    assert account.refuse(session) is None
    assert len(terra.users("new-here")) == 1

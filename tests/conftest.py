"""What all tests share: a database that is started by the first test that asks for it, and a browser, if any."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from portal import disposable_database, embedded_postgres
from scopes.catalogue import Provider, loading
from scopes.intake.recording import recorder
from scopes.judge import standing, verdicts
from scopes.models import Source
from scopes.sync import webhook
from tests import cast as people
from tests import chromium, emptying
from tests.copied_rows import CopiedRows

# The time of an example depends on the machine, which others share.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The suite tries the same examples each time; `--hypothesis-profile=search` looks for new ones.
settings.register_profile("tests", UNTIMED, derandomize=True)
settings.register_profile("search", UNTIMED, max_examples=500)
settings.load_profile("tests")
emptying.by_delete()

BROWSER_REQUIRED = os.environ.get("REQUIRE_BROWSER", "0") != "0"
NO_BROWSER = "no Chromium was found"
ASSEMBLED = CopiedRows(people.assemble)
# They follow documents in clones of the checkout, command by command.
LONGEST = (
    "test_commands_in_docs.py",
    "test_recipes.py",
    "test_demo.py",
    "test_startup_errors.py",
    "test_disposable_database.py",
    "test_look.py",
)


def pytest_configure(config: pytest.Config) -> None:
    if (module := os.environ.get("DJANGO_SETTINGS_MODULE")) != "tests.settings":
        raise pytest.UsageError(f"DJANGO_SETTINGS_MODULE is {module}. Unset it: tests run with tests.settings only.")
    if BROWSER_REQUIRED and not chromium.PROGRAM:
        raise pytest.UsageError(f"REQUIRE_BROWSER is set, and {NO_BROWSER}. On Debian: apt-get install chromium")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for a program, a browser or a database that they have started."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not chromium.PROGRAM and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=NO_BROWSER))
    # Else a worker is left alone with them at the end, while the others have nothing to do.
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.getreports("skipped") if NO_BROWSER in str(report.longrepr)]
    if skipped:
        terminalreporter.section("SKIPPED", sep="!", red=True, bold=True)
        terminalreporter.line(f"Browser tests skipped: {len(skipped)}, for {NO_BROWSER}. REQUIRE_BROWSER=1 insists.")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """A running server, and on it a database whose name is unique to this run and worker."""
    connection.settings_dict["TEST"]["NAME"] = f"test_{uuid.uuid4().hex[:12]}"
    with embedded_postgres.named(embedded_postgres.MAIN).held():
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database, dropped at the end even while a browser's last request still has a session in it."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(disposable_database.marking(connection.settings_dict["NAME"]))
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium, which may run as root and connects to nothing but us."""
    return {**browser_type_launch_args, "executable_path": chromium.PROGRAM, "args": chromium.ARGUMENTS}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Standings and policies that the process has cached belong to another test's rows."""
    standing.known.forget()
    verdicts.forget()
    recorder.known_integrations.clear()
    webhook.known_sources.clear()


@pytest.fixture(autouse=True)
def _no_job_is_pending(request: pytest.FixtureRequest) -> Iterator[None]:
    """The queue's tables are not Django's, so they are not emptied after a test that commits."""
    marker = request.node.get_closest_marker("django_db")
    commits = {"transactional_db", "live_server"} & set(request.fixturenames) or (
        marker and marker.kwargs.get("transaction")
    )
    if commits:
        request.getfixturevalue("transactional_db")
    yield
    if commits:
        with connection.cursor() as cursor:
            for table in ("periodic_defers", "jobs", "workers"):
                cursor.execute(f"DELETE FROM procrastinate_{table}")


@pytest.fixture
def catalogue_with(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Adds made-up providers to the catalogue that everything reads, or puts them in place of shipped ones."""

    def add(*made_up: Provider) -> None:
        catalogue = loading.default()
        providers = {**catalogue.providers, **{provider.slug: provider for provider in made_up}}
        monkeypatch.setattr(loading, "load", lambda: replace(catalogue, providers=MappingProxyType(providers)))
        loading.default.cache_clear()

    yield add
    loading.default.cache_clear()


@pytest.fixture
def cast(db: None) -> Source:
    """Ada, Ben, Cy, Dee, Eve and Finn (see tests/cast.py); the source that they come from."""
    ASSEMBLED.put()
    return people.terra()

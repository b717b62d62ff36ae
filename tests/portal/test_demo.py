"""The demo ends what it starts, and says where to look when something does not start."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from portal import demo
from scopes.models import AuditRun, Connection, Period, Person, PolicyVersion
from tests import command_line

SERVE = "import time; print('ready at http://127.0.0.1:9 now', flush=True); time.sleep(600)"
FAIL = "import sys; sys.exit('the port is made of cheese')"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "HOME", tmp_path)


def test_a_program_is_ready_when_it_says_its_address_and_ends_with_the_block() -> None:
    with demo.running("the sandbox", [sys.executable, "-c", SERVE], {}) as (address, program):
        assert address == "http://127.0.0.1:9"
        assert program.poll() is None
    assert program.poll() is not None


def test_a_program_that_ends_at_once_is_told_of_with_its_last_words() -> None:
    with (
        pytest.raises(demo.DemoError, match=r"The sandbox ended at once(.|\n)*the port is made of cheese"),
        demo.running("the sandbox", [sys.executable, "-c", FAIL], {}),
    ):
        pytest.fail("it never was ready")


def test_a_step_that_fails_is_told_of_by_its_title() -> None:
    with pytest.raises(demo.DemoError, match=r"Make tea: `manage\.py brew` ended with exit code 1"):
        demo.step("Make tea", "brew", keys={"PORTAL_MODE": "test"})


def test_a_port_that_is_taken_is_passed_by() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < demo.free_port(port) < port + 100


@pytest.mark.django_db(transaction=True)
def test_the_demo_goes_through_and_a_second_one_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "PEOPLE", 12)
    database = command_line.variables()["DATABASE_URL"]

    demo.show(database, serve=False)
    first, said = rows(), capfd.readouterr().out
    demo.show(database, serve=False)

    assert rows() == first
    assert first["Person"] > 6
    assert "oura through terra:sandbox, policy 2" in said
    assert "oura through terra:sandbox: as in force" in capfd.readouterr().out
    assert set(AuditRun.objects.values_list("state", "exit_code")) == {("done", 0)}
    assert Connection.objects.filter(person__reference_id="ben", standing__link="active").exists()


def rows() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in (Person, Connection, Period, PolicyVersion)}

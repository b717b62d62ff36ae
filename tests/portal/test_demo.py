"""The demo stops what it starts, and names where to look when something does not start."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal import demo
from scopes.models import (
    ApiKey,
    AuditRun,
    Campaign,
    Connection,
    Endpoint,
    Escalation,
    Message,
    Note,
    OutboxEvent,
    Period,
    Person,
    PolicyVersion,
    Recipient,
)
from tests import command_line

SERVE = "import time; print('ready at http://127.0.0.1:9 now', flush=True); time.sleep(600)"
FAIL = "import sys; sys.exit('the port is made of cheese')"


def test_a_program_is_ready_when_it_prints_its_address_and_ends_with_the_block(tmp_path: Path) -> None:
    with demo.running("the sandbox", [sys.executable, "-c", SERVE], {}, tmp_path) as (address, program):
        assert address == "http://127.0.0.1:9"
        assert program.poll() is None
    assert program.poll() is not None


def test_a_program_that_ends_at_once_is_reported_with_its_last_output(tmp_path: Path) -> None:
    with (
        pytest.raises(demo.DemoError, match=r"The sandbox ended at once(.|\n)*the port is made of cheese"),
        demo.running("the sandbox", [sys.executable, "-c", FAIL], {}, tmp_path),
    ):
        pytest.fail("it never was ready")


def test_a_step_that_fails_is_reported_by_its_title_and_none_follows(capfd: pytest.CaptureFixture[str]) -> None:
    steps = {"Warm the pot": ("check", "--tag", "urls"), "Make tea": ("brew",), "Drink it": ("check",)}
    with pytest.raises(demo.DemoError, match="The step whose output is above failed"):
        demo.go_through(steps, {"PORTAL_MODE": "test"})

    shown = capfd.readouterr()
    assert [line for line in shown.out.splitlines() if "==" in line] == ["== Warm the pot", "== Make tea"]
    assert "Make tea: `manage.py brew` ended with exit code 1." in shown.err


def test_demos_that_start_together_each_get_a_port_of_their_own() -> None:
    with ThreadPoolExecutor(8) as pool:
        sockets = list(pool.map(demo.listening, [8700] * 16))
    ports = {listener.getsockname()[1] for listener in sockets}
    for listener in sockets:
        listener.close()
    assert len(ports) == 16
    assert all(8700 <= port < 8800 for port in ports)


def test_a_second_demo_takes_the_next_place_and_a_later_one_the_first_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "HOMES", tmp_path)
    with demo.place() as (first, home), demo.place() as (second, other):
        assert (first, home.name, second, other.name) == ("demo_1", "demo-1", "demo_2", "demo-2")
    with demo.place() as (third, _):
        assert third == "demo_1"

    (tmp_path / "demo-3").mkdir()
    demo.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["demo-3"]


def test_a_directory_that_another_user_made_is_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "HOMES", tmp_path)
    (tmp_path / "demo-1").mkdir()
    with pytest.raises(demo.DemoError, match="was not made by this checkout"), demo.place():
        pytest.fail("it is not ours")
    assert list((tmp_path / "demo-1").iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_the_demo_completes_and_a_second_one_duplicates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "PEOPLE", 120)
    database = command_line.variables()["DATABASE_URL"]

    demo.show(database, tmp_path, serve=False)
    first, output = rows(), capfd.readouterr().out
    demo.show(database, tmp_path, serve=False)

    assert rows() == first
    assert first["Person"] > 6
    assert "oura through terra:sandbox, policy 2" in output
    assert "oura through terra:sandbox: as in force" in capfd.readouterr().out
    assert set(AuditRun.objects.values_list("state", "exit_code")) == {("done", 0)}
    assert Connection.objects.filter(person__reference_id="ben", standing__link="active").exists()
    ours = Connection.objects.filter(integration__source__kind="oauth2").order_by("person__reference_id")
    granted = {row.person.reference_id: len(row.standing.reported or ()) for row in ours if row.person}
    assert granted == {"ada": 3, "ben": 2, "gus": 3}
    reported = Connection.objects.filter(integration__source__key="host:app")
    assert {row.user_id: row.standing.reported for row in reported} == {
        "c-hana": ["daily", "heartrate"], "c-ivo": ["daily"],
    }  # fmt: skip
    assert list(Message.objects.filter(link__person__reference_id="cy").values_list("number", "state")) == [
        (1, "sent"), (2, "waiting"),
    ]  # fmt: skip
    mails = "".join(path.read_text() for path in (tmp_path / "mails").iterdir())
    assert (mails.count("To: cy@example.com"), mails.count("To: ben@example.com")) == (1, 0)
    assert list(Campaign.objects.order_by("pk").values_list("state", flat=True)) == ["done", "draft"]
    assert "fixed" in Recipient.objects.filter(campaign__state="done").values_list("link__outcome", flat=True)
    assert (Note.objects.count(), Escalation.objects.get().state) == (3, "taken")
    assert sorted(OutboxEvent.objects.values_list("type", flat=True)) == ["policy.published", "scopes.missing"]
    assert (ApiKey.objects.count(), Endpoint.objects.count()) == (1, 1)
    assert (tmp_path / "host-access.json").stat().st_mode & 0o777 == 0o600


def test_the_key_of_a_demo_s_tokens_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    key = demo.token_key(tmp_path / "token-key")
    assert demo.token_key(tmp_path / "token-key") == key
    assert (tmp_path / "token-key").stat().st_mode & 0o777 == 0o600


def rows() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in (Person, Connection, Period, PolicyVersion)}

"""Connections from a file: previewed first, imported on request, never overwriting newer knowledge."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from scopes import flow
from scopes.facts import ConnectionSeen, LinkState, OriginKind
from scopes.intake.files import upload
from scopes.models import Connection, Integration, Period, Pulse, Source, Standing, UnknownScope
from scopes.reauth import settle
from tests import cast as people

pytestmark = pytest.mark.django_db
EXAMPLES = Path(__file__).resolve().parent.parent.parent / "docs" / "examples"
WRITTEN = (Source, Integration, Connection, Period, Pulse, Standing, UnknownScope)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRA_ENVIRONMENTS", "staging")
    monkeypatch.setenv("TERRA_STAGING_DEV_ID", "a-dev-id")
    monkeypatch.setenv("TERRA_STAGING_API_KEY", "a-key")


def take(file: Path, *words: str, source: str = "terra:staging") -> dict[str, Any]:
    out = StringIO()
    call_command("import_connections", str(file), "--source", source, "--json", *words, stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def rows(folder: Path, *rows: Mapping[str, object]) -> Path:
    path = folder / "connections.jsonl"
    path.write_text("".join(f"{json.dumps({'provider': 'oura', **row})}\n" for row in rows))
    return path


def written() -> dict[str, list[Any]]:
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in WRITTEN}


def test_it_previews_the_changes_and_makes_none() -> None:
    people.assemble()
    before = written()

    report = take(EXAMPLES / "connections.csv")

    assert (report["rows"], report["new"], report["pulses"], report["applied"]) == (4, 4, 3, False)
    assert written() == before


@pytest.mark.parametrize("name", ["connections.csv", "connections.jsonl"])
def test_the_example_is_imported_once(name: str) -> None:
    assert take(EXAMPLES / name, "--apply")["new"] == 4
    before = written()

    again = take(EXAMPLES / name, "--apply")

    assert (again["new"], again["changed"], again["unchanged"], again["pulses"]) == (0, 0, 4, 0)
    assert written() == before
    ben = Connection.objects.get(reference_id="ref-ben")
    assert "heartrate" not in (ben.standing.reported or [])
    assert not ben.integration.source.production
    period = Period.objects.get(connection=ben)
    assert (period.origin, period.happened_at) == (OriginKind.FILE, people.NOW)
    assert period.origin_record.startswith(f"{name} sha256:")


def test_the_preview_is_what_then_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every count, with batches of two, unknown scopes, a new provider, and one connection in three rows."""
    monkeypatch.setattr(upload, "BATCH", 2)
    people.assemble()
    people.take_in(ConnectionSeen("oura", "moved", people.NOW, scopes=("daily",)), source=people.terra("terra:staging"))
    file = rows(
        tmp_path,
        {"user_id": "thrice", "scopes": "daily,dreams", "at": "2026-11-01"},
        {"user_id": "moved", "scopes": "daily", "last_webhook_update": "2026-11-20T03:00:00Z", "at": "2026-11-21"},
        {"user_id": "strange", "scopes": "dreams", "at": "2026-11-01"},
        {"user_id": "thrice", "scopes": "daily", "at": "2026-11-03"},
        {"user_id": "new", "provider": "whoop", "at": "2026-11-01"},
        {"user_id": "new too", "provider": "whoop", "at": "2026-11-01"},
        {"user_id": "thrice", "scopes": "daily,email,moods", "at": "2026-11-02"},
    )
    report = take(file)

    done = take(file, "--apply")

    assert report == {**done, "applied": False}
    assert done["new"] + done["changed"] + done["unchanged"] == 5
    assert (done["new"], done["unchanged"], done["repeated"], done["unknown_scopes"]) == (4, 1, 2, 2)
    thrice = Connection.objects.get(user_id="thrice")
    assert (thrice.standing.reported, set(thrice.standing.earlier)) == (["daily"], {"dreams", "email", "moods"})
    assert Period.objects.filter(connection=thrice).count() == 3


def test_an_old_file_never_overwrites_what_is_newer(tmp_path: Path) -> None:
    people.assemble()
    ben = people.connection_of("ben")
    everything = {"user_id": ben.user_id, "scopes": ",".join(people.EVERYTHING), "active": True}
    before = people.CONSENTED - timedelta(days=1)
    after = people.CONSENTED + timedelta(days=1)

    old = take(rows(tmp_path, everything), "--apply", "--as-of", before.isoformat(), source="terra:prod")
    assert (old["changed"], old["unchanged"]) == (0, 1)
    Source.objects.update(listed_at=after + timedelta(days=1))
    listed = take(rows(tmp_path, everything), "--apply", "--as-of", after.isoformat(), source="terra:prod")
    assert "heartrate" not in (people.connection_of("ben").standing.reported or [])
    assert listed["new"] == 0

    newest = take(
        rows(tmp_path, everything), "--apply", "--as-of", (after + timedelta(days=2)).isoformat(), source="terra:prod"
    )
    assert newest["changed"] == 1
    assert "heartrate" in (people.connection_of("ben").standing.reported or [])


def test_an_earlier_active_row_changes_nothing_after_a_later_listing(tmp_path: Path) -> None:
    people.assemble()
    ben = people.connection_of("ben")
    Source.objects.update(listed_at=people.CONSENTED + timedelta(days=9))
    file = rows(tmp_path, {"user_id": ben.user_id, "active": False})

    take(file, "--apply", "--as-of", (people.CONSENTED + timedelta(days=5)).isoformat(), source="terra:prod")
    assert people.connection_of("ben").standing.link == LinkState.ACTIVE

    take(file, "--apply", "--as-of", (people.CONSENTED + timedelta(days=10)).isoformat(), source="terra:prod")
    assert people.connection_of("ben").standing.link == LinkState.INACTIVE


def test_refused_rows_are_listed_and_the_others_imported(tmp_path: Path) -> None:
    file = rows(tmp_path, {"user_id": "good"}, {"user_id": ""}, {"user_id": "x", "provider": "ada@example.com"})
    file.write_text(file.read_text() + '{"provider": "oura", "user_id": "cut o')
    listed = tmp_path / "connections.jsonl.refused.csv"
    out = StringIO()

    for words in ([], ["--apply"]):
        with pytest.raises(CommandError, match=rf"^Rows refused: 3, listed in {listed}\. All others") as refused:
            call_command(
                *("import_connections", str(file), "--source=terra:staging", "--as-of=2026-11-20", *words), stdout=out
            )
        assert refused.value.returncode == 1

    assert listed.read_text().splitlines() == [
        "line,reason",
        "2,user_id is missing",
        "3,provider is in no catalogue entry",
        "4,it is not JSON",
    ]
    assert out.getvalue().startswith("1 new, 0 changed, 0 unchanged, 3 refused\n")
    assert Connection.objects.get().user_id == "good"


def test_another_file_is_not_overwritten_with_refused_rows(tmp_path: Path) -> None:
    file, precious = rows(tmp_path, {"user_id": ""}), tmp_path / "precious.csv"
    precious.write_text("name\nAda\n")

    with pytest.raises(CommandError, match=r"precious\.csv, which is another file\. Name another with --refused"):
        take(file, "--as-of", "2026-11-20", "--refused", str(precious))

    assert precious.read_text() == "name\nAda\n"


def test_a_truncated_file_is_not_imported_at_all(tmp_path: Path) -> None:
    file = tmp_path / "connections.csv"
    file.write_text('provider,user_id,at\noura,a,2026-11-20\noura,"never closed\n')

    with pytest.raises(CommandError, match=r"^Line 3: unexpected end of data\. .* Nothing was changed\.$"):
        take(file, "--apply")

    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("trouble", "by"),
    [(OperationalError("DETAIL: (ada@example.com)"), "the database (OperationalError)"), (KeyboardInterrupt(), "hand")],
)
def test_an_interrupted_import_is_finished_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: BaseException, by: str
) -> None:
    monkeypatch.setattr(upload, "BATCH", 2)
    file = rows(tmp_path, *[{"user_id": f"user-{number}", "at": "2026-11-20"} for number in range(6)])
    whole = flow.Batches
    batches = iter(range(9))

    def cut_off(*arguments: Any) -> Any:
        if next(batches) == 2:
            raise trouble
        return whole(*arguments)

    with monkeypatch.context() as broken:
        broken.setattr(flow, "Batches", cut_off)
        with pytest.raises(CommandError) as stopped:
            take(file, "--apply")

    assert str(stopped.value) == f"Stopped by {by}. Imported before: 4. The same command goes on from there."
    assert Connection.objects.count() == 4
    again = take(file, "--apply")
    assert (again["new"], again["unchanged"]) == (2, 4)
    assert Period.objects.count() == 6


def test_a_batch_is_imported_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Iterator[Any]:
        raise OperationalError

    monkeypatch.setattr(settle, "settle", fail)

    with pytest.raises(CommandError, match="Nothing was changed"):
        take(rows(tmp_path, {"user_id": "a", "at": "2026-11-20", "last_webhook_update": "2026-11-19"}), "--apply")

    assert not Connection.objects.exists() and not Pulse.objects.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--source=terra:moon"], "There is no source 'terra:moon'; there are terra:staging."),
        (["--source=terra:staging", "--as-of=2999-01-01"], "--as-of is in the future"),
    ],
)
def test_a_usage_error_ends_with_2_and_names_the_fix(words: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message) as refused:
        call_command("import_connections", str(EXAMPLES / "connections.csv"), *words)

    assert refused.value.returncode == 2

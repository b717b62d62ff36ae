"""The host's people are imported once, updated from later files, and claim connections that waited for them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from scopes.management.commands import import_people
from scopes.models import Connection, Period, Person
from tests import cast as people

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(
        "reference_id,email,name,locale,plan\n"
        "ref-ada,ada@example.com,Ada Lovelace,en,pro\n"
        "ref-ben,ben@example.com,Ben Bitdiddle,de,free\n"
    )
    return path


def take(file: Path) -> str:
    out, err = StringIO(), StringIO()
    call_command("import_people", str(file), stdout=out, stderr=err)
    assert err.getvalue() == ""
    return out.getvalue().strip()


def test_a_second_import_changes_nothing(file: Path) -> None:
    assert take(file).startswith("2 new, 0 changed, 0 unchanged, 0 refused;")
    before = list(Person.objects.order_by("pk").values())

    assert take(file) == ("0 new, 0 changed, 2 unchanged, 0 refused; 0 connections claimed, 0 with a new plan")
    assert list(Person.objects.order_by("pk").values()) == before


def test_what_waited_for_a_person_is_claimed_and_judged_by_the_persons_plan(file: Path) -> None:
    people.policy_for("oura", people.OURA_POLICY, now=people.SCREEN_SINCE)
    without_session = tuple(scope for scope in people.EVERYTHING if scope != "session")
    people.take_in(people.consent("ada", "oura", without_session), people.consent("ben", "oura", without_session))
    assert Connection.objects.filter(person__isnull=True).count() == 2

    output = take(file)

    assert output.endswith("2 connections claimed, 2 with a new plan")
    assert people.connection_of("ada").person == people.the("ada")
    assert [people.connection_of(name).standing.plan for name in ("ada", "ben")] == ["pro", "free"]
    assert "Coaching" in show("ref-ada") and "Coaching" not in show("ref-ben")


def test_another_plan_applies_from_the_day_it_is_reported(file: Path) -> None:
    people.assemble()
    file.write_text(file.read_text().replace(",free", ",pro"))

    assert take(file).startswith("0 new, 1 changed, 1 unchanged")
    assert people.connection_of("ben").standing.plan == "pro"
    assert Period.objects.filter(connection=people.connection_of("ben")).count() == 2


def test_refused_rows_are_reported_by_line_and_the_others_are_imported(file: Path) -> None:
    file.write_text(file.read_text() + ",mallory@example.com,Mallory,en,\nref-cy,cy@example.com,Cy,en,\n")
    out, err = StringIO(), StringIO()

    with pytest.raises(CommandError, match=r"^Rows refused: 1\. All others were imported\.$") as refused:
        call_command("import_people", str(file), stdout=out, stderr=err)

    assert refused.value.returncode == 1
    assert out.getvalue().startswith("3 new, 0 changed, 0 unchanged, 1 refused;")
    assert err.getvalue() == "line 4: reference_id is missing\n"


def test_an_id_twice_is_reported_and_doing_it_again_changes_nothing(file: Path) -> None:
    file.write_text(file.read_text() + "ref-ada,other@example.com,Ada,en,free\n")
    err = StringIO()
    for _ in range(2):
        with pytest.raises(CommandError, match=r"^Rows refused: 1\."):
            call_command("import_people", str(file), stdout=StringIO(), stderr=err)

    assert err.getvalue() == "line 4: reference_id stands in line 2 already, and that row counts\n" * 2
    assert people.the("ada").email == "ada@example.com"


def test_plans_that_differ_in_case_only_are_reported(file: Path) -> None:
    file.write_text(file.read_text() + 'ref-cy,cy@example.com,Cy,en,Pro\nref-dee,dee@example.com,Dee,en," pro "\n')
    out, err = StringIO(), StringIO()

    call_command("import_people", str(file), stdout=out, stderr=err)

    assert out.getvalue().startswith("4 new")
    assert err.getvalue() == "Plans that differ in case only are different plans: 'Pro', 'pro'.\n"


def test_a_51st_plan_is_refused_with_its_whole_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_people, "BATCH", 50)
    file = tmp_path / "people.csv"
    rows = [f"ref-{number},plan {number % 50}" for number in range(50)]
    file.write_text("\n".join(["reference_id,plan", *rows, "ref-known,plan 1", "ref-strange,plan of its own", ""]))

    with pytest.raises(CommandError, match=r"^51 different plans: at most 50 are kept\. .* Imported before: 50\.$"):
        call_command("import_people", str(file), stdout=StringIO(), stderr=StringIO())

    assert Person.objects.count() == 50
    assert not Person.objects.filter(reference_id__in=["ref-known", "ref-strange"]).exists()


def test_a_truncated_file_reports_how_much_was_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_people, "BATCH", 2)
    file = tmp_path / "people.csv"
    file.write_text('reference_id\nref-1\nref-2\nref-3\n"never closed\n')

    with pytest.raises(CommandError, match=r"^Line 5: unexpected end of data\. .* Imported before: 2\.$"):
        call_command("import_people", str(file), stdout=StringIO(), stderr=StringIO())

    assert set(Person.objects.values_list("reference_id", flat=True)) == {"ref-1", "ref-2"}


def show(who: str) -> str:
    out = StringIO()
    call_command("show_person", who, stdout=out)
    return out.getvalue()

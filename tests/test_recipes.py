"""The recipes of CONTRIBUTING.md, followed as they are written in a fresh clone, with the tests that each ends with.

Each makes the change that its steps ask for, at the places that they name: a place that has moved fails here. A
provider's is tried by tests/catalogue/test_adding_a_provider.py. Those of a source, a screen, a setting and a migration
would take minutes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po

from portal.embedded_postgres import CHECKOUT
from tests.fresh_clone import Clone, cloned

RECIPES = (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.fixture
def clone() -> Iterator[Clone]:
    with cloned() as made:
        yield made


def steps_of(recipe: str) -> str:
    """What stands under the recipe's heading."""
    return RECIPES.partition(f"\n### {recipe}\n")[2].partition("\n### ")[0]


def commands_of(recipe: str) -> str:
    """The commands that the recipe ends with."""
    (commands,) = re.findall(r"^```\n(.*?)^```$", steps_of(recipe), re.DOTALL | re.MULTILINE)
    return str(commands)


def insert(clone: Clone, file: str, text: str, *, before: str = "", after: str = "") -> None:
    """Put `text` into a file, before or after a place that stands there once."""
    path, place = clone.path / file, before or after
    was = path.read_text("utf-8")
    assert was.count(place) == 1, f"{file} has no one place {place!r}"
    path.write_text(was.replace(place, f"{text}{place}" if before else f"{place}{text}"), "utf-8")


def ends_well(clone: Clone, commands: str) -> None:
    ended = clone.run("sh", "-ec", commands, PORTAL_MODE="test")
    assert ended.returncode == 0, ended.stdout


def translate(po: Path) -> None:
    """Translate what waits, with its own words."""
    with po.open("rb") as file:
        catalogue = read_po(file)
    for message in catalogue:
        waits = not message.string or not all(message.string)
        if message.id and waits:
            one, *many = [message.id] if isinstance(message.id, str) else message.id
            message.string = (one, *many * (catalogue.num_plurals - 1)) if many else one
    with po.open("wb") as file:
        write_po(file, catalogue, width=120, ignore_obsolete=True, sort_output=True, no_location=True)


def test_a_reason(clone: Clone) -> None:
    reason = 'Reason("withheld", "Withheld", "It is withheld.", "Nothing works.", "reauthenticate"),\n        '
    insert(clone, "scopes/reasons.py", reason, before='Reason(\n            "not_approved",')
    rule = '("withheld", lambda scope, case: scope.endswith(".withheld")),\n    '
    insert(clone, "scopes/judge/rules.py", rule, before='("not_approved", lambda')
    insert(
        clone, "scopes/reauth/person_reasons.py", '    "withheld": _("%(provider)s withholds it."),\n',
        after="SCOPES: Mapping[str, str] = {\n",
    )  # fmt: skip
    ends_well(clone, "make messages")
    translate(clone.path / "locale/de/LC_MESSAGES/django.po")
    ends_well(clone, "make messages")
    case = '("", "", None, "x.withheld", None, "", "x.withheld", "withheld", "reauthenticate", "blocked", "yes"),'
    insert(clone, "tests/judge/test_rules.py", f"    {case}\n", after="SCOPE_CASES = [\n")

    ends_well(clone, commands_of("A reason"))

    assert "| `withheld` | Withheld |" in (clone.path / "docs/reasons.md").read_text("utf-8")


def test_an_event_type_of_terra(clone: Clone) -> None:
    payload = {"type": "device_lost", "status": "warning", "user": {"user_id": "u-1", "provider": "OURA"}}
    (clone.path / "tests/fixtures/terra/device_lost.json").write_text(json.dumps(payload), "utf-8")
    function = """def _device_lost(raw: Event, happened_at: datetime) -> tuple[Fact, ...]:
    return (LinkChanged("oura", str(raw["user"]["user_id"]), LinkState.INACTIVE, happened_at, resource="OURA"),)


"""
    events = "scopes/sources/terra/events.py"
    (table,) = re.findall(r"^HANDLERS: .*\n", (clone.path / events).read_text("utf-8"), re.MULTILINE)
    insert(clone, events, function, before=table)
    insert(clone, events, '        "device_lost": _device_lost,\n', after=table + "    {\n")
    reported = '    "device_lost": LinkChanged("oura", "u-1", LinkState.INACTIVE, AT),\n'
    insert(clone, "tests/sources/terra/test_events.py", reported, before='    "activity": seen(')

    ends_well(clone, commands_of("An event type of Terra"))


def test_a_language(clone: Clone) -> None:
    document = (CHECKOUT / "docs/adding-a-language.md").read_text("utf-8")
    begin, compile_it = re.findall(r"^ +```sh\n(.*?)^ +```$", document, re.DOTALL | re.MULTILINE)
    (command,) = re.findall(r"^4\. Run `(.+?)`", document, re.MULTILINE)
    (file,) = re.findall(r"^2\. Translate `(.+?)`", document, re.MULTILINE)

    ends_well(clone, begin)
    assert clone.run("sh", "-c", command).returncode != 0, "what is not translated is named"
    translate(clone.path / file)
    ends_well(clone, compile_it)

    ends_well(clone, commands_of("A language"))

"""A file becomes a provider, or is refused with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scopes.catalogue import CatalogueError, Known, Provider, load
from tests.catalogue.files import FILE, named, retired, written


def test_a_file_becomes_a_provider(tmp_path: Path) -> None:
    provider = load(written(tmp_path, stride=FILE)).provider("stride")
    assert provider.name == "Stride"
    assert (provider.reports_scopes, provider.can_untick, provider.console_approval) == (
        Known.YES,
        Known.NO,
        Known.UNKNOWN,
    )
    assert [scope.name for scope in provider.scopes] == ["sleep", "activity"]
    assert provider.canonical("act") == "activity"
    assert provider.scopes[0].sensitive is None
    assert provider.confirmed
    assert provider.separator == ","


def test_words_that_yaml_takes_for_values_stay_words(tmp_path: Path) -> None:
    text = FILE.replace("name: Stride", "name: no").replace("[STRIDE]", "[NO, 007]").replace("en: Sleep", "en: off")
    provider = load(written(tmp_path, stride=text)).provider("stride")
    assert (provider.name, provider.names_at("terra"), provider.scopes[0].label) == ("no", ("NO", "007"), "off")


def test_a_retired_provider_names_its_day_and_its_successor_and_where_they_were_read(tmp_path: Path) -> None:
    provider = load(written(tmp_path, old=named("old", retired("new")), new=named("new"))).provider("old")
    assert (provider.retired_on, provider.successor) == (date(2026, 10, 30), "new")
    assert provider.retirement_sources == (("https://old.example", date(2026, 11, 20)),)
    assert Provider.from_data(provider.as_data()) == provider


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "the file is empty"),
        ("# only a comment\n", 1, "the file is empty"),
        ("- a\n- b\n", 1, "a provider must be keys with values"),
        ("slug: [\nname: x\n", 3, "broken YAML"),
        (FILE + "  - name: x\n   label: y\n", 17, "broken YAML"),
        (FILE + "---\nslug: other\n", 16, "broken YAML"),
        (FILE + "colour: red\n", 16, "a provider has no key colour"),
        (FILE + "name: Again\n", 16, "the key name stands here twice"),
        (FILE + "    colour: red\n", 16, "a scope has no key colour"),
        (FILE.replace("name: Stride\n", ""), 1, "a provider lacks name"),
        (FILE.replace("    labels:\n      {en: Sleep, de: Schlaf}\n", ""), 9, "a scope lacks labels"),
        (FILE.replace("en: Sleep, ", ""), 11, "labels lacks en"),
        (FILE.replace("de: Schlaf", "German: Schlaf"), 11, "German is no language; write en, de or pt-br"),
        (FILE.replace("de: Schlaf", "en: Schlaf"), 11, "the key en stands here twice"),
        (FILE.replace("{en: Sleep, de: Schlaf}", "Sleep"), 11, "labels must be names with values"),
        (FILE.replace("name: Stride", "name:"), 2, "name is empty"),
        (FILE.replace("name: Stride", "name: ~"), 2, "name is empty"),
        (FILE.replace("name: Stride", "name: [Stride]"), 2, "name must be text"),
        (FILE.replace("[STRIDE]", "STRIDE"), 3, "terra must be a list"),
        (FILE.replace("{terra: [STRIDE]}", "[STRIDE]"), 3, "known_as must be kinds of source with their names"),
        (FILE.replace("{terra: [STRIDE]}", "{Terra: [STRIDE]}"), 3, "Terra is no kind of source"),
        (FILE.replace("{terra: [STRIDE]}", "{terra: [A], terra: [B]}"), 3, "the kind terra stands here twice"),
        (FILE + "spellings: {terra: {stride2: STRIDE}}\n", 16, "stride2 must be in capitals"),
        (FILE + "spellings: {terra: {S2: WALK}}\n", 16, "S2 must stand for a name of known_as, terra, not WALK"),
        (FILE + "spellings: {oauth2: {S2: STRIDE}}\n", 16, "S2 must stand for a name of known_as, oauth2, not STRIDE"),
        (FILE.replace("reports_scopes: yes", "reports_scopes: maybe"), 4, "must be one of yes, no, unknown, not maybe"),
        (FILE + "on_device: yes\n", 16, "on_device must be true or false, not yes"),
        (FILE + "    sensitive: unknown\n", 16, "sensitive must be true or false"),
        (FILE + retired("stride", on="next year"), 16, "on must be a date like 2026-10-30"),
        (FILE + "retired: {on: 2026-10-30}\n", 16, "retired lacks sources"),
        (FILE + 'separator: ";"\n', 16, "separator must be"),
        (FILE + "    requested_as: acts\n", 16, "acts, in requested_as, must be an alias or have a prefix"),
        (FILE + "prefixes: stride\n", 16, "prefixes must be a list"),
        (FILE + "prefixes: ['a, b']\n", 16, "a prefix cannot hold a comma or white space"),
        (
            FILE.replace("[act]", "[x/act]") + "prefixes: [x/]\n",
            15,
            "x/act begins with one of the prefixes, which need not be spelt out",
        ),
        (FILE + "ignores_case: yes\n", 16, "ignores_case must be true or false, not yes"),
        (
            FILE.replace("[act]", "[SLEEP]") + "ignores_case: true\n",
            15,
            "SLEEP and a spelling of sleep differ in capitals only",
        ),
        (FILE + "advice: Tick all.\n", 16, "advice must be names with values"),
        (FILE + "advice: {de: Alles anhaken.}\n", 16, "advice lacks en"),
        (FILE.replace("https://", "http://"), 7, "a source is an address that begins with https://"),
        (
            FILE.replace(": 2026-11-20", ": lately"),
            7,
            "the day on which a source was read must be a date like 2026-10-30",
        ),
        (FILE.replace("docs: 2026-11-20", "docs: ''"), 7, "sources is empty"),
        (
            FILE.replace("{https://stride.example/docs: 2026-11-20}", "[https://stride.example/docs]"),
            7,
            "sources must be",
        ),
        (FILE.replace("slug: stride", "slug: Stride"), 1, "a slug has small letters"),
        (FILE.replace("slug: stride", "slug: other"), 1, "the slug other must be the file's name, stride"),
        (FILE.replace("name: activity", "name: sleep"), 12, "the scope sleep is already"),
        (FILE.replace("[act]", "[act, act]"), 15, "the alias act is already"),
        (FILE.replace("[act]", "[sleep]"), 15, "the alias sleep is already the name"),
        (FILE.replace("[act]", '["a b"]'), 15, "the alias a b could not be read back"),
        (FILE.replace("name: sleep", "name: 'none'"), 9, "the scope none could not be read back"),
        (FILE + "    implies:\n      - sleep\n      - dreams\n", 18, "the implied scope dreams is not the name"),
        (FILE + "    successor: act\n", 16, "the successor act is not the name"),
        (FILE + "    successor: activity\n", 16, "the successors of activity lead back to it"),
        (
            FILE.replace("Schlaf}\n", "Schlaf}\n    successor: activity\n") + "    successor: sleep\n",
            12,
            "lead back to it",
        ),
        (FILE + retired("walk"), 16, "the successor walk has no file"),
        (FILE + retired("stride"), 16, "the successors lead back to this provider"),
    ],
)
def test_a_faulty_file_is_refused_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(CatalogueError) as refusal:
        load(written(tmp_path, stride=text))
    assert (refusal.value.file, refusal.value.line) == ("stride.yaml", line)
    assert reason in refusal.value.reason
    assert str(refusal.value) == f"stride.yaml, line {line}: {refusal.value.reason}"

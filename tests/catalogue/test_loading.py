"""Provider files: what is read, and what is refused with its file and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scopes.catalogue import CatalogueError, Known, Provider, default, load, unknown_provider

HEAD = """\
slug: stride
name: Stride
known_as: {terra: [STRIDE]}
reports_scopes: yes
can_untick: no
console_approval: unknown
sources: {https://stride.example/docs: 2026-11-20}
"""
FILE = (
    HEAD
    + """\
scopes:
  - name: sleep
    labels:
      {en: Sleep, de: Schlaf}
  - name: activity
    labels:
      {en: Activity, de: Aktivität}
    aliases: [act]
"""
)


def written(directory: Path, **files: str) -> Path:
    for slug, text in files.items():
        (directory / f"{slug}.yaml").write_text(text, "utf-8")
    return directory


def named(slug: str, more: str = "") -> str:
    return HEAD.replace("stride", slug).replace("STRIDE", slug.upper()) + more + "scopes: []\n"


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


def test_a_scope_is_requested_by_its_name_or_as_its_entry_says(tmp_path: Path) -> None:
    provider = load(written(tmp_path, stride=FILE + "    requested_as: act\n")).provider("stride")
    asked = [provider.requested_as(spelling) for spelling in ("sleep", "activity", "act", "Pulse")]
    assert asked == ["sleep", "act", "act", "Pulse"]


def test_a_prefix_makes_no_other_scope(tmp_path: Path) -> None:
    text = FILE + "prefixes: [https://api.stride.example/, https://api.stride.example/auth/]\n"
    provider = load(written(tmp_path, stride=text)).provider("stride")
    assert provider.held(frozenset({"https://api.stride.example/sleep", "activity"})) == {"sleep", "activity"}
    assert provider.canonical("https://api.stride.example/act") == "activity"
    assert provider.canonical("https://api.stride.example/Sleep") == "Sleep"
    assert provider.canonical("https://api.stride.example/") == "https://api.stride.example/"
    assert provider.knows("https://api.stride.example/act")
    assert not provider.knows("https://api.stride.example/pulse")


def test_of_prefixes_that_begin_alike_the_longest_is_taken_off(tmp_path: Path) -> None:
    text = FILE + "prefixes: [https://api.stride.example/, https://api.stride.example/auth/]\n"
    provider = load(written(tmp_path, stride=text)).provider("stride")
    assert provider.canonical("https://api.stride.example/auth/sleep") == "sleep"


def test_capitals_make_another_scope_unless_the_provider_ignores_them(tmp_path: Path) -> None:
    provider = load(written(tmp_path, stride=FILE)).provider("stride")
    assert provider.held(frozenset({"Sleep"})) == {"Sleep"}
    text = FILE.replace("name: sleep", "name: Sleep.Read") + "ignores_case: true\nprefixes: [https://A.example/]\n"
    careless = load(written(tmp_path, stride=text)).provider("stride")
    reported = frozenset({"https://A.example/sleep.read", "ACT", "PULSE"})
    assert careless.held(reported) == {"Sleep.Read", "activity", "pulse"}
    assert Provider.from_data(careless.as_data()).held(reported) == careless.held(reported)


def test_a_retired_provider_names_its_day_and_its_successor(tmp_path: Path) -> None:
    old = named("old", "retired_on: 2026-10-30\nsuccessor: new\n")
    provider = load(written(tmp_path, old=old, new=named("new"))).provider("old")
    assert (provider.retired_on, provider.successor) == (date(2026, 10, 30), "new")


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
        (FILE + "retired_on: next year\n", 16, "retired_on must be a date like 2026-10-30"),
        (FILE + "retired_on:\n", 16, "retired_on is empty"),
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
        (FILE + "successor: walk\n", 16, "the successor walk has no file"),
        (FILE + "successor: stride\n", 16, "the successors lead back to this provider"),
    ],
)
def test_a_faulty_file_is_refused_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(CatalogueError) as refusal:
        load(written(tmp_path, stride=text))
    assert (refusal.value.file, refusal.value.line) == ("stride.yaml", line)
    assert reason in refusal.value.reason
    assert str(refusal.value) == f"stride.yaml, line {line}: {refusal.value.reason}"


def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "stride.yaml").write_bytes(FILE.encode("latin-1"))
    with pytest.raises(CatalogueError, match=r"^stride\.yaml, line 14: this is not UTF-8 text"):
        load(tmp_path)


@pytest.mark.parametrize("depth", [21, 2_000, 200_000])
def test_what_is_nested_too_deeply_is_refused_with_its_line(tmp_path: Path, depth: int) -> None:
    with pytest.raises(CatalogueError, match=r"^stride\.yaml, line 16: nothing may be nested deeper than 20 times"):
        load(written(tmp_path, stride=FILE + "deep: " + "[" * depth + "]" * depth))


def test_characters_that_yaml_forbids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"^stride\.yaml.*broken YAML"):
        load(written(tmp_path, stride=FILE.replace("Sleep", "Sl\x00eep")))


def test_two_files_cannot_claim_one_name_at_a_kind_of_source(tmp_path: Path) -> None:
    second = named("walk").replace("{terra: [WALK]}", "\n  terra:\n  - WALK\n  - stride")
    with pytest.raises(
        CatalogueError, match=r"^walk\.yaml, line 6: stride\.yaml already claims the name STRIDE at terra$"
    ):
        load(written(tmp_path, stride=FILE, walk=second))


def test_providers_cannot_succeed_each_other_in_a_circle(tmp_path: Path) -> None:
    files = {slug: named(slug, f"successor: {to}\n") for slug, to in (("a", "b"), ("b", "c"), ("c", "b"))}
    with pytest.raises(CatalogueError, match=r"^b\.yaml, line 8: the successors lead back"):
        load(written(tmp_path, **files))


def test_a_successor_further_on_that_has_no_file_is_laid_at_its_own_door(tmp_path: Path) -> None:
    files = {"a": named("a", "successor: b\n"), "b": named("b", "successor: c\n")}
    with pytest.raises(CatalogueError, match=r"^b\.yaml, line 8: the successor c has no file"):
        load(written(tmp_path, **files))


def test_a_directory_that_is_missing_or_a_file_that_would_be_passed_over_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="there is no such directory"):
        load(tmp_path / "nowhere")
    (tmp_path / "stride.yml").write_text(FILE, "utf-8")
    with pytest.raises(CatalogueError, match=r"^stride\.yml: the name of a provider file must end in \.yaml"):
        load(tmp_path)


def test_a_source_s_names_are_found_in_any_case(tmp_path: Path) -> None:
    catalogue = load(written(tmp_path, stride=FILE))
    assert catalogue.known_as("terra", "Stride") is catalogue.provider("stride")
    assert catalogue.known_as("terra", "WALK") is None


def test_an_unknown_slug_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="the catalogue has no provider 'walk'"):
        load(written(tmp_path, stride=FILE)).provider("walk")


def test_a_name_that_no_file_claims_becomes_an_unknown_provider() -> None:
    provider = unknown_provider(" MapMyFitness ")
    assert (provider.slug, provider.name, provider.names_at("any")) == (
        "mapmyfitness",
        "MapMyFitness",
        ("MAPMYFITNESS",),
    )
    assert not provider.confirmed
    assert provider.scopes == ()
    assert {provider.reports_scopes, provider.can_untick, provider.console_approval} == {Known.UNKNOWN}
    assert unknown_provider("Fit & Co.").slug == "fit_co"
    with pytest.raises(ValueError, match="at least one letter or digit"):
        unknown_provider(" ? ")


def test_the_shipped_catalogue_is_read_once() -> None:
    assert default() is default()

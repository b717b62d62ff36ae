"""Plain words: phrases that no screen and no page of the documentation uses, and parts of names that no code uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A retired phrase, as a pattern, and what to say instead.
PHRASES = {
    r"told|telling|tells (?:of|which|that|what|whose)": "reported, reports, shows",
    r"mends?|mended|mending": "fixes",
    r"in vain": "failed",
    r"tried again|tries again": "retried",
    r"tries to connect|sign-in tries": "connection attempts, failed sign-ins",
    r"nobody[’']s|of nobody": "unclaimed, of no one",
    r"strangers?|orphans?": "unclaimed, unmatched",
    r"alike|likeness": "matching",
    r"tell(?:s|ing)? apart|told apart": "mark as distinct",
    r"part(?:ed)? (?:them|again)|part a merge": "unmerge",
    r"held back|holds? back|holding back": "quarantined",
    r"handed over|handovers?": "escalation",
    r"front page|who is asking|you opened last": "home, find a person, recently viewed",
    r"work(?:s|ed)? off|left[- ]overs?|left over": "process pending, pending",
    r"sets? out to|has become of|become of": "fixes; status",
    r"came back|comes back": "returned; reported again",
    r"stands for good|for good": "permanently",
    r"doubts?|doubted|doubtful": "suspicion; unconfirmed",
    r"sighted|sights?": "observed, observation",
    r"respect(?:s|ed)? (?:a|the) [“\"]?no|respected": "waive, waived",
    r"made? the link|make the link": "create link",
    r"look only": "can’t …; a lead can",
    r"who says what|what is right": "evidence",
    r"verify now|verified connections|would a link help": "check now; send a link anyway",
    r"written down|wrote it down|write it down": "recorded",
    r"it only ever grows": "entries can’t be edited or deleted",
}
RETIRED = re.compile("|".join(rf"(?P<p{number}>\b(?:{one})\b)" for number, one in enumerate(PHRASES)), re.IGNORECASE)

# A retired part of a name, and what comes instead.
PARTS = {
    "told": "reported",
    "tell": "report",
    "tells": "reports",
    "telling": "reporting",
    "mend": "fix",
    "mends": "fixes",
    "mended": "fixed",
    "mendable": "fixable",
    "sight": "observation",
    "sights": "observations",
    "sighted": "observed",
    "nobody": "unclaimed",
    "nobodys": "unclaimed",
    "stranger": "unmatched",
    "strangers": "unmatched",
    "orphan": "unclaimed",
    "orphans": "unclaimed",
    "alike": "matching",
    "likeness": "matching",
    "apart": "distinct",
    "restand": "transition",
    "aim": "target",
    "handover": "escalation",
    "handovers": "escalations",
    "doubt": "suspicion, caveat",
    "doubts": "suspicions, caveats",
    "doubtful": "unconfirmed",
    "vain": "failed",
    "lately": "recent",
}

SCREENS = ("templates", "portal", "scopes")
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs")
CODE = ("portal", "scopes", "benchmarks", "tests")

TAGS = re.compile(r"\{#.*?#\}|\{% (?!translate|blocktranslate)[^%]*%\}|\{\{.*?\}\}|<code>.*?</code>|<[^>]*>", re.DOTALL)
NO_PROSE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)", re.DOTALL)


def files(places: tuple[str, ...], suffix: str) -> Iterator[Path]:
    for place in places:
        path = ROOT / place
        found = [path] if path.is_file() else sorted(path.rglob(f"*{suffix}"))
        yield from (one for one in found if one.suffix == suffix and "decisions" not in one.parts)


def strings(source: str) -> Iterator[tuple[int, str]]:
    """The strings of a module that somebody may read: with a space or a capital, and no docstring, no SQL."""
    tree = ast.parse(source)
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            text = node.value
            if (" " in text or text[:1].isupper()) and not text.lstrip().isupper():
                yield node.lineno, text


def names(source: str) -> Iterator[tuple[int, str]]:
    """The names that a module gives: of functions, classes, arguments, variables and attributes."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case _:
                pass


def parts(name: str) -> list[str]:
    return [part.lower() for part in re.split(r"_|(?<=[a-z0-9])(?=[A-Z])", name) if part]


def phrases(path: Path, texts: Iterator[tuple[int, str]]) -> list[str]:
    found = []
    for line, text in texts:
        for match in RETIRED.finditer(text):
            instead = list(PHRASES.values())[int((match.lastgroup or "p0")[1:])]
            found.append(f"{path.relative_to(ROOT)}:{line}: “{match[0]}”; say: {instead}")
    return found


def lines(text: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(text.splitlines(), 1)


def without(pattern: re.Pattern[str], text: str) -> str:
    """The text without what matches, its lines kept."""
    return pattern.sub(lambda match: "\n" * match[0].count("\n") or " ", text)


def test_no_template_of_a_screen_uses_a_retired_phrase() -> None:
    found: list[str] = []
    for path in files(SCREENS, ".html"):
        found += phrases(path, lines(without(TAGS, path.read_text("utf-8"))))
    assert not found, "\n".join(found)


def test_no_string_of_a_screen_uses_a_retired_phrase() -> None:
    found: list[str] = []
    for path in files(SCREENS, ".py"):
        found += phrases(path, strings(path.read_text("utf-8")))
    assert not found, "\n".join(found)


def test_no_page_of_the_documentation_uses_a_retired_phrase() -> None:
    found: list[str] = []
    for path in files(PAGES, ".md"):
        found += phrases(path, lines(without(NO_PROSE, path.read_text("utf-8"))))
    assert not found, "\n".join(found)


def test_no_name_in_the_code_has_a_retired_part() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}; say: {PARTS[part]}"
        for path in files(CODE, ".py")
        for line, name in names(path.read_text("utf-8"))
        for part in parts(name)
        if part in PARTS
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "retired"),
    [
        ("What sources told", True),
        ("Connections of nobody", True),
        ("That is held back until somebody decides", True),
        ("Respect a “no” to Heart rate", True),
        ("The job ran over, because nobody answered", False),
        ("An untold number; the amendment", False),
    ],
)
def test_a_phrase_is_found_as_whole_words(text: str, retired: bool) -> None:
    assert bool(RETIRED.search(text)) is retired


def test_a_name_is_read_by_its_parts_and_a_docstring_is_no_screen() -> None:
    source = 'def _told_of(asked):\n    """What they told."""\n    mendableOne = "A told one"\n'
    assert {part for _, name in names(source) for part in parts(name)} & PARTS.keys() == {"told", "mendable"}
    assert [text for _, text in strings(source)] == ["A told one"]

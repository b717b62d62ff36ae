"""What the desk says is marked for translation, with named placeholders; it is English only so far."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import messages
from portal.embedded_postgres import CHECKOUT
from tests.portal.test_messages import placeholders, real_messages, texts

FOLDER = CHECKOUT / "scopes" / "admin"
MARKS = {*messages.MARKS, "format_lazy"}
# Two words, or a word with a capital letter before a place: a sentence or a piece of one.
WORDS = re.compile(r"[A-Za-z’]{2,} [A-Za-z’]{2,}|^[A-Z][a-z]+ \{\}")
# Markup, SQL, headers and formats: not read by anybody.
NO_WORDS = re.compile(r"<|\b(?:SELECT|INSERT|UPDATE|DELETE)\b|@@|; filename=|would take any filter")


def sentences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of each sentence in the code that is not marked; `{}` stands where a value is put in."""
    match tree:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in MARKS:
            return
        case ast.Module(body=body) | ast.ClassDef(body=body) | ast.FunctionDef(body=body) if ast.get_docstring(tree):
            nodes: list[ast.AST] = [*body[1:]]
        case ast.JoinedStr(values=values):
            text = "".join(str(piece.value) if isinstance(piece, ast.Constant) else "{}" for piece in values)
            yield tree.lineno, text
            nodes = [piece for piece in values if not isinstance(piece, ast.Constant)]
        case ast.Constant(value=str(text)):
            yield tree.lineno, text
            return
        case _:
            nodes = list(ast.iter_child_nodes(tree))
    for node in nodes:
        yield from sentences(node)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_every_sentence_of_the_desk_is_marked(path: Path) -> None:
    found = sentences(ast.parse(path.read_text("utf-8")))
    assert [(line, text) for line, text in found if WORDS.search(text) and not NO_WORDS.search(text)] == []


def test_an_unmarked_sentence_would_be_found() -> None:
    code = 'def view():\n    """A doc string."""\n    say(f"{name} was sent to {place}")\n    say(gettext("It went."))'
    assert list(sentences(ast.parse(code))) == [(3, "{} was sent to {}")]


def test_the_desk_s_messages_are_collected_and_name_what_is_put_in() -> None:
    found = real_messages(messages.collected(desk=True))
    assert len(found) > 500
    assert "%(label)s is waived until %(until)s." in {message.id for message in found}
    for message in found:
        if message.python_format:
            assert all(placeholders(text) <= placeholders(texts(message.id)[-1]) for text in texts(message.id))

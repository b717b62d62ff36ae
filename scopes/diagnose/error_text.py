"""Turns a report into one readable, masked text, however the error was wrapped, escaped or cut."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

from scopes.catalogue import Provider
from scopes.diagnose.error_report import ErrorReport, decode_text
from scopes.diagnose.masking import mask

HEAD = 9_000
TAIL = 5_000
AROUND = 1_000
_KEYWORDS = ("scope", "Scope", "SCOPE", "permission", "Permission", "invalid_", "access_denied", "AADSTS")

_RELEVANT_HEADER = re.compile(r"(?i)authenticate|scope|permission|location|error|message|reason|retry|content-type")
_ENTITY = re.compile(r"(?i)&(?:#\d{1,7}|#x[0-9a-f]{1,6}|quot|amp|lt|gt|apos|nbsp);")
_TAG = re.compile(r"<(?:/?([A-Za-z][\w:-]*)(\s[^<>]*)?/?|![^<>]*)>")
_HTML_TAGS = """
    html head title meta link script style body main header footer nav section article div span p a b i u em strong br
    hr h1 h2 h3 h4 h5 h6 pre code center table thead tbody tr td th ul ol li dl dt dd img svg path form input button
    label small font blockquote iframe noscript
"""
_HTML = frozenset(_HTML_TAGS.split())
_LINK = re.compile(r"(?i)\b(?:href|content|action)\s*=\s*[\"']?([^\"'\s<>]+)")
_HEX = re.compile(r"\\(?:U000([0-9a-fA-F]{5})|[uU]([0-9a-fA-F]{4})|[xX]([0-9a-fA-F]{2}))")
# Of a sign that was escaped again and again the layers between the first and the last say nothing.
_PERCENTS = re.compile(r"%(?:25)+(?=[0-9A-Fa-f]{2})")
_INNER_SPACE = re.compile(r"%(?:25)+2[bB]")
_PARAMETERS = re.compile(r"[?&](?=[\w.\[\]-]{1,60}=)")
_ENCODED_QUERY = re.compile(r"(?i)%(?:3d|3f|26)")
_AMPERSANDS = re.compile(r"(?i)&(?:amp;)+(?=#?\w{2,8};)")
_BACKSLASHES = re.compile(r"\\{2,}")
LAYERS = 12
_RUN = re.compile(r"[^\s\"'<>`]+")
_PARAMETER = re.compile(r"(?:^|[?&#])[\w.\[\]-]{0,60}=")
_SENTENCE = re.compile(r"(?i)[\w.-]{0,40}(?:description|message|detail|reason|hint)=")  # it may go on behind a space
_QUOTES = str.maketrans({"‘": "'", "’": "'", "ʼ": "'", "′": "'", "“": '"', "”": '"', "´": "'", "\u00a0": " "})
_CONTRACTED = re.compile(
    r"(?i)\b(is|are|was|were|has|have|had|do|does|did|ca|could|wo|would|should|must|need)n(?:['?` ]|\ufffd|â€™)?t\b"
)
_WHOLE = {"ca": "can", "wo": "will"}
# Tabs and line ends stay; every other control character, NUL included, becomes a space.
_CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), " ")

_STATUS = (
    re.compile(r"(?i)\bHTTP/[\d.]{1,3}[ \"]{1,3}([1-5]\d\d)\b"),
    re.compile(r"(?i)\b(?:http_?)?status(?:_?code)?[\"'\]]{0,2}\s{0,3}(?:=>|[:=]|\s)\s{0,3}[\"']?([1-5]\d\d)\b"),
    re.compile(
        r"(?i)\b([45]\d\d)[ )\]:,\"'-]{1,4}(?:client error|server error|unauthori[sz]ed|forbidden|not found"
        r"|bad request"
        r"|gone\b|precondition failed|internal server error|too many requests|payment required|bad gateway"
        r"|service unavail)"
    ),
    # Not "failed after 429 ms", "error in row 402", "code 503 items left".
    re.compile(
        r"(?i)\b(?:http|status|code|error|returned|response|failed)\b"
        r"(?:[ \t:=(\[{\"'#-]|\b(?:with|status|code|http|error|response|is|was|an?|the|of)\b){0,8}"
        r"\b([45]\d\d)\b(?![.,:/-]?\d|[ \t]?(?:%|ms|secs?|seconds|bytes|[kmg]b)(?![a-z])"
        r"|[ \t](?!is|was|has|does|means|status|errors?|responses?)[a-z]{3,20}s\b)"
    ),
)


@dataclass(frozen=True)
class ErrorText:
    """What the recognisers look at. `text` is masked, so a quotation from it holds no secret."""

    text: str
    status: int | None
    provider: Provider | None = None
    known: frozenset[str] = frozenset()

    @cached_property
    def lower(self) -> str:
        return self.text.lower()

    def is_of(self, slug: str) -> bool:
        return self.provider is not None and self.provider.slug == slug


def readable(text: str) -> str:
    """`text` as a person would read it: capped, unescaped, without tags, a query parameter a line, and masked."""
    return mask(_TAG.sub(_inside_of_tag, _unescaped(mask(_window(text)), mask)))


def unmasked(text: str) -> str:
    """`text` capped and unescaped, but with its secrets: only for looking up ids, never shown or stored."""
    return _unescaped(_window(text))


def relevant_headers(report: ErrorReport) -> dict[str, str]:
    """The headers that may say something about the error, cut to a length."""
    relevant = {name: value[:4000] for name, value in report.headers.items() if _RELEVANT_HEADER.search(name[:100])}
    return dict(list(relevant.items())[:50])


def text_of(report: ErrorReport) -> str:
    """The readable text of a report: its relevant headers, then its body; "wasn't" is written out."""
    text = readable("\n".join([*(f"{name}: {value}" for name, value in relevant_headers(report).items()), report.body]))
    return _CONTRACTED.sub(lambda match: f"{_WHOLE.get(match[1].lower(), match[1])} not", text)


def status_of(report: ErrorReport, text: str) -> int | None:
    """The status that the report gives, else the first one in its text. A status in the text replaces a 200."""
    if report.status and report.status != 200:
        return report.status
    for pattern in _STATUS:
        if match := pattern.search(text):
            return int(match[1])
    return report.status


def _unescaped(text: str, each: Callable[[str], str] = str) -> str:
    """`text` without its escapes, layer by layer; `each` is applied after each of them."""
    for _ in range(LAYERS):
        before = text
        text = _PERCENTS.sub("%", _INNER_SPACE.sub("%20", text))
        text = _AMPERSANDS.sub("&", text)
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
        text = _without_backslashes(text)
        text = _RUN.sub(lambda match: _spread(match[0]), text)
        if text == before:
            break
        text = each(text)
    return decode_text(text).translate(_QUOTES).translate(_CONTROL)


def _window(text: str) -> str:
    """Head and tail of a long text, and the text around the first keywords between them."""
    return decode_text(_cut(text)).translate(_CONTROL)


def _cut(text: str) -> str:
    if len(text) <= HEAD + TAIL:
        return text
    parts = [text[:HEAD]]
    places = sorted({place for word in _KEYWORDS for place in _places(text, word)})
    reached = HEAD
    for place in places:
        if place >= reached:
            reached = place + AROUND
            parts.append(text[place - AROUND // 3 : reached])
    parts.append(text[-TAIL:])
    return "\n".join(parts)


def _places(text: str, word: str) -> list[int]:
    first = text.find(word, HEAD, len(text) - TAIL)
    last = text.rfind(word, HEAD, len(text) - TAIL)
    return [place for place in (first, last) if place >= 0]


def _without_backslashes(text: str) -> str:
    if "\\" not in text:
        return text
    text = _BACKSLASHES.sub(r"\\", text)
    text = _HEX.sub(lambda match: _character(match[1] or match[2] or match[3]), text)
    for escaped, plain in (('\\"', '"'), ("\\'", "'"), ("\\/", "/"), ("\\n", "\n"), ("\\r", "\n"), ("\\t", " ")):
        text = text.replace(escaped, plain)
    return text


def _character(code: str) -> str:
    return chr(int(code, 16)) if int(code, 16) < 0x110000 else " "


def _spread(run: str) -> str:
    """A URL or query string with each parameter on a line of its own, decoded; anything else with `%xx` decoded."""
    # Of a query that was encoded whole, an encoded plus is a space.
    run = re.sub("(?i)%2b", "%20", run) if _ENCODED_QUERY.search(run) else run
    if not _PARAMETER.search(run) or not any(sign in run for sign in "&?%#+"):
        decoded = unquote(run, errors="replace") if "%" in run else run
        return _PARAMETERS.sub("\n", decoded) if _ENCODED_QUERY.search(run) else decoded
    path, query = "", run
    for sign in "?#":
        if sign in run:
            path, _, query = run.partition(sign)
            break
    parameters = [unquote(parameter.replace("+", " "), errors="replace") for parameter in re.split(r"[&#]", query)]
    end = "" if _SENTENCE.match(parameters[-1]) else "\n"
    return "\n".join([unquote(path, errors="replace"), *parameters] if path else parameters) + end


def _inside_of_tag(match: re.Match[str]) -> str:
    """The address in an HTML tag, or nothing; of anything else in angle brackets what it says: `<HttpError 403 …>`."""
    if match[1] and match[1].lower() not in _HTML:
        return f" {match[2] or ''} "
    link = _LINK.search(match[0])
    return f" {_spread(link[1])} " if link and "=" in link[1] else " "

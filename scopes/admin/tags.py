"""What the desk's templates write in their own way: times, chips, shapes, words. Loaded as `{% load desk %}`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from django import template
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_noop as _

from scopes.models import Source
from scopes.reasons import REASONS, REMEDIES
from scopes.sources import registry

register = template.Library()

# The word on a chip, and the symbol of static/desk/shapes.svg that says the same.
HEALTH_WORDS = {
    "ok": _("OK"),
    "unknown": _("Unknown"),
    "reduced": _("Reduced"),
    "blocked": _("Blocked"),
    "broken": _("Broken"),
    "never": _("Never completed"),
}
# The units of a length of time, in seconds, the largest first; a number and its unit stay on one line.
UNITS = (
    (31_556_952, ngettext_lazy("%(number)s\xa0year", "%(number)s\xa0years", "number")),
    (2_629_746, ngettext_lazy("%(number)s\xa0month", "%(number)s\xa0months", "number")),
    (604_800, ngettext_lazy("%(number)s\xa0week", "%(number)s\xa0weeks", "number")),
    (86_400, ngettext_lazy("%(number)s\xa0day", "%(number)s\xa0days", "number")),
    (3_600, ngettext_lazy("%(number)s\xa0hour", "%(number)s\xa0hours", "number")),
    (60, ngettext_lazy("%(number)s\xa0minute", "%(number)s\xa0minutes", "number")),
)
IN_TICKS = re.compile(r"`([^`]+)`")


@register.simple_tag
@cache
def shape(name: str) -> SafeString:
    """A symbol of static/desk/shapes.svg. It only repeats the word next to it."""
    return format_html(
        '<svg class="shape" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("desk/shapes.svg"),
        name,
    )


def health_word(code: str) -> str:
    """The word for a health; a code of another version stands for itself."""
    return gettext(HEALTH_WORDS[code]) if code in HEALTH_WORDS else code


@register.simple_tag
def health(code: str) -> SafeString:
    """A health as a chip: its shape and its word; the colour only repeats them."""
    return format_html('<span class="chip is-{}">{}{}</span>', code, shape(f"health-{code}"), health_word(code))


@register.simple_tag
def chip(word: str, tone: str = "quiet", symbol: str = "") -> SafeString:
    """A state as a chip. `tone` is one of quiet, good, warn, bad, wait."""
    return format_html('<span class="chip tone-{}">{}{}</span>', tone, shape(symbol) if symbol else mark_safe(""), word)


@register.filter
def source_title(source: Source) -> str:
    """How people call a source of this kind."""
    return registry.title_of(source)


@register.filter
def can_be_asked(source: Source) -> bool:
    """Whether the source can be asked about one connection."""
    return source.kind in registry.able("looks_up")


@register.filter
def trouble(source: Source) -> registry.Trouble | None:
    """Why the source refuses our account, and what an engineer does about it."""
    return registry.trouble_of(source.kind, source.name, source.trouble)


def retirement(on: date) -> SafeString:
    """Since when a provider is switched off, or when it will be."""
    if on <= timezone.now().date():
        return format_html(gettext("{} since {}"), chip(gettext("Retired"), "bad", "cross"), dated(on))
    return format_html(gettext("{} on {}"), chip(gettext("Retires"), "warn", "clock"), dated(on))


@register.simple_tag
def when(at: datetime | date | None, missing: str = "—") -> SafeString:
    """How long ago or in how long, and the date after it: "3 weeks ago, 3 Nov 2026, 14:02"."""
    return escape(missing) if not at else _time(at, f"{ago(at)}, {_date(at)}")


@register.simple_tag
def dated(at: datetime | date | None, missing: str = "—") -> SafeString:
    """The same after "until", "on" or "since": "3 Nov 2026, 14:02 (3 weeks ago)"."""
    return escape(missing) if not at else _time(at, f"{_date(at)} ({ago(at)})")


@register.simple_tag
def for_time(at: datetime, *, at_least: bool = False) -> SafeString:
    """How long something has been so, and the date: "for at least 2 days, since 3 Nov 2026"."""
    now = timezone.now()
    length = gettext("just now")
    if (now - at).total_seconds() >= 60:
        words = gettext("for at least %(length)s") if at_least else gettext("for %(length)s")
        length = words % {"length": _length((now - at).total_seconds())}
    return _time(at, gettext("{length}, since {date}").format(length=length, date=_date(at, "day")))


def _time(at: datetime | date, words: str) -> SafeString:
    """A `time` with the UTC in its tooltip; a day alone is the same in every zone. `words` are HTML of ours."""
    if not isinstance(at, datetime):
        return mark_safe(f'<time datetime="{at.isoformat()}">{words}</time>')  # noqa: S308
    at = at.astimezone(UTC)
    return mark_safe(  # noqa: S308
        f'<time datetime="{at.isoformat()}" title="{at:%Y-%m-%d %H:%M:%S} UTC">{words}</time>'
    )


def _date(at: datetime | date, to: str = "minute") -> str:
    """The date, to the "minute" or the "day"; static/desk/times.js puts it into the agent's own zone."""
    if not isinstance(at, datetime):
        return f'<span class="date">{at:%-d %b %Y}</span>'
    at = at.astimezone(UTC)
    words = f"{at:%-d %b %Y, %H:%M} UTC" if to == "minute" else f"{at:%-d %b %Y}"
    return f'<span class="date" data-local="{to}">{words}</span>'


@register.filter
def ago(at: datetime | date) -> str:
    """How long ago in one unit, "3 weeks ago"; of what is to come, "in 3 weeks"."""
    now = timezone.now()
    if not isinstance(at, datetime):
        days = (now.date() - at).days
        named = {0: gettext("today"), 1: gettext("yesterday"), -1: gettext("tomorrow")}
        return named[days] if days in named else ago(datetime.combine(at, now.time(), UTC))
    seconds = (now - at).total_seconds()
    if abs(seconds) < UNITS[-1][0]:
        return gettext("just now")
    words = gettext("%(length)s ago") if seconds > 0 else gettext("in %(length)s")
    return words % {"length": _length(abs(seconds))}


def _length(seconds: float) -> str:
    """So many seconds, at least a minute, in whole units of the largest kind: "3 weeks"."""
    unit, words = next((unit, words) for unit, words in UNITS if seconds >= unit)
    return words % {"number": int(seconds // unit)}


@register.filter
def span(length: timedelta) -> str:
    """A length of time in one unit: "3 hours"."""
    hours = round(length / timedelta(hours=1))
    if hours < 48:
        return ngettext("%(number)s hour", "%(number)s hours", hours) % {"number": hours}
    return ngettext("%(number)s day", "%(number)s days", hours // 24) % {"number": hours // 24}


@register.filter
def ticks(text: str) -> SafeString:
    """The text with `code` in ticks set as code."""
    return mark_safe(IN_TICKS.sub(r"<code>\1</code>", escape(text)))  # noqa: S308 - escaped first


@register.filter
def listed(words: Sequence[str]) -> str:
    """The words in a row, such as: a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return gettext("%(words)s and %(last)s") % {"words": ", ".join(words[:-1]), "last": words[-1]}


@register.filter
def in_sentence(label: str) -> str:
    """The label as it stands within a sentence: "heart rate", but "VO2 max"."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


@register.filter
def about(suspicions: Mapping[str, str], scopes: Sequence[str]) -> list[str]:
    """The suspicions about these scopes."""
    return [suspicions[scope] for scope in scopes if scope in suspicions]


@register.filter
def reason(code: str) -> Any:
    """The registry's entry for a reason."""
    return REASONS.get(code)


@register.filter
def remedy(code: str) -> Any:
    """The registry's entry for a remedy."""
    return REMEDIES.get(code)


@register.filter
def pretty(value: object) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


@register.filter
def thousands(number: int) -> str:
    """1,234,567."""
    return f"{number:,}"


@register.filter
def signed(change: int) -> str:
    """+1,234 or -1,234."""
    return f"{change:+,}"


@register.filter
def missing(entry: str) -> SafeString:
    """A verdict's `scope=reason` in words."""
    scope, _, code = entry.rpartition("=")
    why = REASONS[code].title.lower() if code in REASONS else code
    return format_html("<code>{}</code> {}", scope, why)


@register.simple_tag
def page_address(cl: ChangeList, number: int) -> str:
    """The address of a page of one of Django's lists, with its filters."""
    return cl.get_query_string({PAGE_VAR: number})

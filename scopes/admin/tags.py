"""What the desk's templates write in their own way: times, chips, shapes, words. Loaded as `{% load desk %}`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from django import template
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
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
        return format_html(gettext("{} since {}"), chip(gettext("Retired"), "bad", "cross"), when(on))
    return format_html(gettext("{} on {}"), chip(gettext("Retires"), "warn", "clock"), when(on))


@register.simple_tag
def when(at: datetime | date | None, missing: str = "—") -> SafeString:
    """A date and time, with the UTC in its title; the agent's own zone is put in by static/desk/times.js."""
    if at is None:
        return escape(missing)
    if not isinstance(at, datetime):
        return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{at:%-d %b %Y}")
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC" data-local>{} UTC</time>',
        at.isoformat(),
        f"{at:%Y-%m-%d %H:%M:%S}",
        f"{at:%-d %b %Y, %H:%M}",
    )


@register.simple_tag
def since(at: datetime | None, missing: str = "—") -> SafeString:
    """How long ago, and the date after it, with the UTC in its title."""
    if at is None:
        return escape(missing)
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}, <span class="date">{}</span></time>',
        at.isoformat(),
        f"{at:%Y-%m-%d %H:%M:%S}",
        ago(at),
        f"{at:%-d %b %Y}",
    )


@register.simple_tag
def for_time(at: datetime, *, at_least: bool = False) -> SafeString:
    """How long something has been so, and the date: "for at least 2 days, 3 Nov 2026"."""
    at = at.astimezone(UTC)
    now = timezone.now()
    length = gettext("just now")
    if (now - at).total_seconds() >= 60:
        words = gettext("for at least %(length)s") if at_least else gettext("for %(length)s")
        length = words % {"length": timesince(at, now, depth=1)}
    return format_html(
        '<time datetime="{}" title="{} UTC">{}, <span class="date">since {}</span></time>',
        at.isoformat(),
        f"{at:%Y-%m-%d %H:%M:%S}",
        length,
        f"{at:%-d %b %Y}",
    )


@register.filter
def ago(at: datetime | date) -> str:
    """How long ago in one unit: "3 weeks ago"."""
    if not isinstance(at, datetime):
        days = (timezone.now().date() - at).days
        if days <= 0:
            return gettext("today")
        return gettext("yesterday") if days == 1 else ago(datetime.combine(at, time(), UTC))
    now = timezone.now()
    if (now - at).total_seconds() < 60:
        return gettext("just now")
    return gettext("%(length)s ago") % {"length": timesince(at, now, depth=1)}


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

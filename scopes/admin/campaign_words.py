"""Campaigns in the agents' words: the rule, the groups of the preflight, the steps of the funnel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _

from scopes.admin.tags import health_word, thousands
from scopes.models import Campaign, Integration, Recipient, Source
from scopes.reasons import REASONS
from scopes.reauth.campaigns.numbers import Groups

State = Recipient.State

# The groups that a preflight names first, whatever their number; then come those of REASONS.
OBSTACLES: Mapping[str, str] = {
    "too_many_links": _("Asked too often"),
    "dont_contact": _("Do not contact"),
    "no_address": _("No e-mail address"),
    "address_refused": _("E-mail address that bounced"),
    "live_link": _("Has a link that still works"),
    "another_connection": _("Gets a link for another connection"),
    "choose_region": _("Region must be chosen"),
    "unclaimed": _("Unclaimed: the person is not known"),
    "not_needed": _("Nothing is missing"),
    "no_links": _("The source doesn’t support links"),
    "on_device": _("Set on the person’s phone"),
    "verify": _("Not known what is missing"),
    "waived": _("Waived"),
    "unchanged_twice": _("The last two links changed nothing"),
    "admin_consent_required": _("An administrator must allow it"),
}
# How far the people of a migration have got.
PROGRESS: Mapping[str, str] = {
    "moved": _("Moved"),
    "in_progress": _("In progress"),
    "left_behind": _("Left behind"),
}
# What is read with a campaign to say from where to where it leads.
ENDS = ("provider", "successor__provider", "successor__source")
FIRST = ("too_many_links", "dont_contact", "no_address", "address_refused")
TONES = {
    Campaign.State.DRAFT: ("quiet", "dash"),
    Campaign.State.RUNNING: ("wait", "clock"),
    Campaign.State.PAUSED: ("warn", "alert"),
    Campaign.State.DONE: ("good", "check"),
}
# The columns of the funnel: the step that is counted, and its heading.
FUNNEL: Mapping[str, str] = {
    "links": _("Links"),
    "mailed": _("Sent"),
    "arrived": _("Arrived"),
    "opened": _("Opened"),
    "pressed": _("Went to provider"),
    "returned": _("Returned"),
    "fixed": _("Fixed"),
}
# What else came of the links.
OTHERWISE: Mapping[str, str] = {
    "fixed_otherwise": _("Fixed another way"),
    "partly": _("Partly fixed"),
    "unchanged": _("Unchanged"),
    "wrong_account": _("Wrong account"),
    "failed": _("Failed"),
    "never_returned": _("Never returned"),
    "bounced": _("Never arrived"),
    "uncertain": _("Uncertain whether sent"),
    "stopped": _("Stopped before it was sent"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """One group of recipients: its code in addresses, its words and its number."""

    code: str
    words: str
    number: int


def funnel_of(arrived: int, service: str) -> Mapping[str, str]:
    """The steps to show: of a mail server, which reports no arrivals, without them."""
    return FUNNEL if arrived or service else {step: title for step, title in FUNNEL.items() if step != "arrived"}


def obstacle_words(code: str) -> str:
    """Why no link is sent."""
    if code in OBSTACLES:
        return gettext(OBSTACLES[code])
    if code.startswith("account_"):
        return gettext("The source refuses our account")
    return reason_words(code)


def reason_words(code: str) -> str:
    """Why something is missing; a code of another version stands for itself."""
    return REASONS[code].title if code in REASONS else code or gettext("Not known")


def groups_of(groups: Groups) -> list[Group]:
    """Who would be helped, who waits or was sent a link, and who is left out, by why; the largest of these first."""
    states = {
        State.LISTED: gettext("Not checked yet"),
        State.WAITING: gettext("Would help"),
        State.SENT: gettext("Link created"),
        State.LEFT: gettext("Fixed before their turn"),
    }
    first = [Group(state, words, groups.by_state[state]) for state, words in states.items() if state in groups.by_state]
    codes = sorted(groups.by_obstacle, key=lambda code: (code not in FIRST, -groups.by_obstacle[code], code))
    return first + [Group(code, obstacle_words(code), groups.by_obstacle[code]) for code in codes]


def rule_of(campaign: Campaign, number: int) -> str:
    """Whom the campaign is for."""
    if campaign.provider is not None and campaign.successor is not None:
        names = {"old": campaign.provider.name, "new": campaign.successor}
        return gettext("From %(old)s to %(new)s: who has not moved") % names
    if campaign.kind == Campaign.Kind.SELECTION:
        words = ngettext("%(number)s selected connection", "%(number)s selected connections", number)
        return words % {"number": thousands(number)}
    return rule_words(campaign.filters)


def rule_words(filters: Mapping[str, str]) -> str:
    """The filters of the list of connections in a row: "Oura, Blocked, Declined"."""
    return ", ".join(_words_of(filters)) or gettext("All connections")


def _words_of(filters: Mapping[str, str]) -> Iterator[str]:
    if filters.get("source"):
        yield from (source.key for source in Source.objects.filter(pk=filters["source"]))
    if filters.get("integration"):
        rows = Integration.objects.select_related("provider").filter(pk=filters["integration"])
        yield from (row.provider.name for row in rows)
    if filters.get("health"):
        yield health_word(filters["health"])
    if filters.get("reason"):
        yield reason_words(filters["reason"])
    if filters.get("scope"):
        yield gettext("without %(scope)s") % {"scope": filters["scope"]}

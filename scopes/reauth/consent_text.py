"""The text of a link, in the active language: what is asked for, and why. One for page, preview and message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext

from scopes.catalogue.entries import ENGLISH, Provider, Scope
from scopes.judge import verdicts
from scopes.judge.migrations import successions
from scopes.judge.rules import REQUIRED, Policy, need_key
from scopes.models import Attempt, Connection, Integration, Person, ReauthLink
from scopes.reauth.languages import text_of
from scopes.reauth.person_reasons import person_reason
from scopes.reauth.progress import THE_LINK, connection_of, judgement_of
from scopes.reauth.target import Target

# Languages in which the family name stands first.
FAMILY_NAME_FIRST = frozenset({"hu", "ja", "ko", "vi", "zh"})


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission that is missing: what it is, what for, how the consent screen calls it, and why it is missing.

    `without` says what does not work without it. `box` and `called` are empty where the consent screen's words are not
    known, `reason` where the reason is not.
    """

    label: str
    why: tuple[str, ...]
    without: str
    box: str
    called: str
    reason: str


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes of the consent screen by their names, and the sentence that leads to them."""

    sentence: str
    names: tuple[str, ...]

    @property
    def text(self) -> str:
        """In a message: one name in the sentence, several below it."""
        return self.sentence + (f" {self.names[0]}." if len(self.names) == 1 else bullets(self.names))


@dataclass(frozen=True, slots=True)
class ConsentText:
    """The text that the person reads, in `language`."""

    language: str
    host: str
    provider: str
    title: str
    lead: str
    opening: str
    reason: str
    heading: str
    permissions: tuple[Permission, ...]
    advice: str
    keep_ticked: Boxes | None
    go_on: str
    you_decide: str
    take_back: str
    ended: str

    @property
    def names(self) -> dict[str, str]:
        """The values of %(host)s and %(provider)s."""
        return {"host": self.host, "provider": self.provider}


def for_link(link: ReauthLink, needs: Iterable[str], host: str) -> ConsentText:
    """The text of the page of `link`, which asks for those `needs` that are still missing."""
    entry = Provider.from_data(link.integration.provider.entry)
    version = link.integration.policy_version
    policy = verdicts.policy_of(version) if version else Policy(provider=entry)
    needs = tuple(needs)
    return compose(
        entry,
        policy,
        needs,
        host=host,
        plan=link.person.plan,
        connected=link.connection_id is not None,
        reasons=reasons_of(link.person, link.integration, connection_of(link)) if needs else {},
    )


def for_target(target: Target, host: str) -> ConsentText:
    """The text of the page that a link there would have."""
    return compose(
        target.provider,
        target.policy,
        target.preflight.keys,
        host=host,
        plan=target.person.plan,
        connected=target.connection is not None,
        reasons=reasons_of(target.person, target.integration, target.connection),
    )


def reasons_of(person: Person, integration: Integration | None, connection: Connection | None) -> dict[str, str]:
    """Why each need of this connection is missing, by its key; what is wrong with the connection under `*`."""
    if connection is not None:
        judgement = judgement_of(connection)
        return {THE_LINK: judgement.link_reason, **{line.key: line.reason for line in judgement.lines}}
    if integration is None:
        return {}
    provider = integration.provider_id
    before = [old for old, new in successions() if new == integration.provider.slug]
    replaced = person.connections.filter(integration__provider__slug__in=before, merged_into__isnull=True)
    if earlier := replaced.select_related("standing", "integration").first():
        ended = judgement_of(earlier).link_reason == "provider_retired"
        return {THE_LINK: "provider_retired" if ended else "provider_ending"}
    failed = person.attempts.filter(provider=provider, state=Attempt.State.FAILED)
    return {THE_LINK: "attempt_failed"} if failed.exists() else {}


def compose(
    provider: Provider,
    policy: Policy,
    needs: Iterable[str],
    *,
    host: str,
    plan: str,
    connected: bool,
    reasons: Mapping[str, str] | None = None,
) -> ConsentText:
    """The text for somebody without `needs` (their keys); `reasons` are the codes of why, by key."""
    needs = tuple(needs)
    names = {"host": host, "provider": provider.name}
    why = {key: person_reason((reasons or {}).get(key, ""), names) for key in needs}
    lead, opening = _lead_and_opening(needs, provider, names, connected=connected)
    title = gettext("Reconnect %(provider)s") if connected else gettext("Connect %(provider)s")
    heading = gettext("What is missing") if connected else gettext("What %(host)s asks for")
    return ConsentText(
        language=get_language() or ENGLISH,
        host=host,
        provider=provider.name,
        title=title % names,
        lead=lead,
        opening=opening,
        reason=why.get(THE_LINK, ""),
        heading=heading % names,
        permissions=tuple(_permission(key, provider, policy, plan, why[key]) for key in needs if key != THE_LINK),
        advice=text_of(provider.advice),
        keep_ticked=keep_ticked(provider, policy),
        go_on=gettext("Continue to %(provider)s") % names,
        you_decide=gettext("You will be taken to %(provider)s. You decide there what %(host)s may read.") % names,
        take_back=gettext(
            "You can take this back at any time: in your account at %(provider)s, or by writing to %(host)s's support."
        )
        % names,
        ended=gettext("If you would like to try again, ask %(host)s's support for a new link.") % names,
    )


def message(consent: ConsentText, *, name: str, url: str, expires_at: datetime) -> str:
    """Reply to paste, which names the boxes to leave ticked."""
    return "\n\n".join(message_paragraphs(consent, name=name, url=url, expires_at=expires_at))


def message_paragraphs(consent: ConsentText, *, name: str, url: str, expires_at: datetime) -> list[str]:
    """The paragraphs of the message; the link stands in one of its own."""
    alone = gettext("The link is for you alone and works until %(day)s.") % {"day": date_format(expires_at)}
    kept = consent.keep_ticked.text if consent.keep_ticked else ""
    return letter(name, (consent.opening, url, _boxes(consent), kept, alone))


def letter(name: str, paragraphs: Iterable[str]) -> list[str]:
    """The paragraphs between a greeting and an end; empty ones are left out."""
    first = first_name(name)
    hello = gettext("Hello %(name)s,") % {"name": first} if first else gettext("Hello,")
    return [paragraph for paragraph in (hello, *paragraphs, gettext("Kind regards")) if paragraph]


def first_name(name: str) -> str:
    """How to greet somebody in the active language; empty where the first name can't be known."""
    family, comma, given = name.partition(",")
    words = (given if comma else family).split()
    language = (get_language() or ENGLISH).partition("-")[0]
    if not words or (len(words) > 1 and not comma and language in FAMILY_NAME_FIRST):
        return ""
    return "" if words[0].endswith(".") or "@" in words[0] else words[0]


def bullets(names: Iterable[str]) -> str:
    """The names below each other, in a text."""
    return "".join(f"\n• {name}" for name in names)


def works_until(expires_at: datetime) -> str:
    """Until when the link works, as a date: it ends at no exact hour."""
    return gettext("This link works until %(day)s.") % {"day": date_format(expires_at)}


def labels_of(keys: Iterable[str], provider: Provider) -> tuple[str, ...]:
    """The needs in plain words; the connection itself is left out."""
    return tuple(_label(key, provider) for key in keys if key != THE_LINK)


def _lead_and_opening(
    needs: tuple[str, ...], provider: Provider, names: Mapping[str, str], *, connected: bool
) -> tuple[str, str]:
    """How the page begins, and how the message does."""
    labels = labels_of(needs, provider)
    if not needs:
        lead = gettext("%(host)s asks you to renew the connection to %(provider)s. It takes a minute.")
        opening = gettext("Please renew the connection between %(host)s and %(provider)s with this link:")
    elif THE_LINK not in needs:
        lead = ngettext(
            "%(host)s is missing a permission from %(provider)s. You can give it now; it takes a minute.",
            "%(host)s is missing some permissions from %(provider)s. You can give them now; it takes a minute.",
            len(labels),
        )
        opening = ngettext(
            "%(host)s is missing a permission from %(provider)s. You can give it with this link:",
            "%(host)s is missing some permissions from %(provider)s. You can give them with this link:",
            len(labels),
        )
    elif connected:
        lead = gettext(
            "%(host)s can no longer read anything from %(provider)s. Connect again, and it goes on; it takes a minute."
        )
        opening = gettext(
            "The connection between %(host)s and %(provider)s has stopped working. You can renew it with this link:"
        )
    else:
        lead = gettext("%(host)s would like to read data from %(provider)s. Connecting takes a minute.")
        opening = gettext("You can connect %(provider)s to %(host)s with this link:")
    return lead % names, opening % names


def keep_ticked(provider: Provider, policy: Policy) -> Boxes | None:
    """The permissions without which the provider makes no connection; None where there are none."""
    mandatory = tuple(_name(scope) for scope in provider.scopes if scope.mandatory and scope.name in policy.requested)
    if not mandatory:
        return None
    sentence = ngettext(
        "This box must stay ticked, or no connection is made:",
        "These boxes must stay ticked, or no connection is made:",
        len(mandatory),
    )
    return Boxes(sentence, mandatory)


def _boxes(consent: ConsentText) -> str:
    """What to tick for the permissions that are missing; empty where there are none."""
    boxes = tuple(_quoted(permission.box or permission.label) for permission in consent.permissions)
    if not boxes:
        return ""
    sentence = ngettext(
        "On %(provider)s's page, please keep this ticked:",
        "On %(provider)s's page, please keep these ticked:",
        len(boxes),
    )
    return Boxes(sentence % {"provider": consent.provider}, boxes).text


def _permission(key: str, provider: Provider, policy: Policy, plan: str, reason: str) -> Permission:
    why: list[str] = []
    off: list[str] = []
    reduced: list[str] = []
    for requirement in policy.requirements:
        if need_key(map(provider.canonical, requirement.any_of)) != key:
            continue
        if requirement.plans and plan not in requirement.plans:
            continue
        feature = text_of(requirement.title) or requirement.feature
        why.append(text_of(requirement.why))
        (off if requirement.level == REQUIRED else reduced).append(feature)
    entry = _entry(key, provider)
    box = entry.box if entry else ""
    called = gettext("%(provider)s calls it %(box)s.") % {"provider": provider.name, "box": _quoted(box)} if box else ""
    return Permission(
        _label(key, provider), tuple(filter(None, dict.fromkeys(why))), _without(off, reduced), box, called, reason
    )


def _without(off: list[str], reduced: list[str]) -> str:
    """What stops, and what works less well, without a permission; empty where no feature is known."""
    sentences = []
    if off:
        stops = ngettext(
            "Without it, this does not work: %(features)s.", "Without it, these do not work: %(features)s.", len(off)
        )
        sentences.append(stops % {"features": ", ".join(dict.fromkeys(off))})
    if reduced:
        less = ngettext(
            "Without it, this works less well: %(features)s.",
            "Without it, these work less well: %(features)s.",
            len(reduced),
        )
        sentences.append(less % {"features": ", ".join(dict.fromkeys(reduced))})
    return " ".join(sentences)


def _quoted(words: str) -> str:
    return gettext("“%(words)s”") % {"words": words}


def _label(key: str, provider: Provider) -> str:
    entry = _entry(key, provider)
    return _name(entry) if entry else key.split("|", maxsplit=1)[0]


def _entry(key: str, provider: Provider) -> Scope | None:
    """The first of the alternatives that the catalogue knows."""
    return next((provider.by_name[name] for name in key.split("|") if name in provider.by_name), None)


def _name(scope: Scope) -> str:
    return text_of(scope.labels) or scope.name

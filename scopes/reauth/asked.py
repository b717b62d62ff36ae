"""What a person is asked for, and why, in their language: the page, its preview and the message say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from scopes.catalogue.entries import Provider, Scope
from scopes.judge import verdicts
from scopes.judge.rules import Policy, need_key
from scopes.models import Attempt, Connection, Integration, Person, ReauthLink
from scopes.reauth import texts
from scopes.reauth.because import because
from scopes.reauth.progress import THE_LINK, connection_of, judgement_of
from scopes.reauth.texts import Texts

MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission that is missing: what it is, what for, how the consent screen calls it, and why it is missing.

    The last two are empty where they are not known.
    """

    label: str
    why: tuple[str, ...]
    box: str
    called: str
    because: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person reads, complete but for the host's name. `say` fills in both names."""

    texts: Texts
    host: str
    provider: str
    title: str
    lead: str
    opening: str
    because: str
    heading: str
    permissions: tuple[Permission, ...]
    advice: str
    keep_ticked: str
    go_on: str
    you_decide: str
    over: str

    def say(self, text: str, **names: str) -> str:
        return text.format(host=self.host, provider=self.provider, **names)


def asked_by(link: ReauthLink, needs: Iterable[str], host: str) -> Asked:
    """What the page of `link` asks for, as far as `needs` are still missing."""
    entry = Provider.from_data(link.integration.provider.entry)
    version = link.integration.policy_version
    policy = verdicts.policy_of(version) if version else Policy(provider=entry)
    needs = tuple(needs)
    return asked(
        entry,
        policy,
        needs,
        host=host,
        texts_=texts.in_language(link.language),
        plan=link.person.plan,
        connected=link.connection_id is not None,
        reasons=reasons_of(link.person, link.integration, connection_of(link)) if needs else {},
    )


def reasons_of(person: Person, integration: Integration | None, connection: Connection | None) -> dict[str, str]:
    """Why each need of this connection is missing, by its key; what is wrong with the connection under `*`."""
    if connection is not None:
        judgement = judgement_of(connection)
        return {THE_LINK: judgement.link_reason, **{line.key: line.reason for line in judgement.lines}}
    if integration is None:
        return {}
    provider = integration.provider_id
    if person.connections.filter(integration__provider__successor=provider).exists():
        return {THE_LINK: "provider_retired"}
    tried = person.attempts.filter(provider=provider, state=Attempt.State.FAILED)
    return {THE_LINK: "attempt_failed"} if tried.exists() else {}


def asked(
    provider: Provider,
    policy: Policy,
    needs: Iterable[str],
    *,
    host: str,
    texts_: Texts,
    plan: str,
    connected: bool,
    reasons: Mapping[str, str] | None = None,
) -> Asked:
    """What somebody is asked for who lacks `needs` (their keys); `reasons` tell why, by key."""
    needs = tuple(needs)
    reasons = reasons or {}
    why = {key: because(reasons.get(key, ""), texts_, provider.name, host) for key in needs}

    def say(text: str) -> str:
        return text.format(host=host, provider=provider.name, labels=", ".join(labels_of(needs, provider, texts_)))

    if not needs:
        lead, opening = texts_.renew, texts_.message_renew
    elif THE_LINK not in needs:
        lead, opening = texts_.lacks, texts_.message_missing
    elif connected:
        lead, opening = texts_.broken, texts_.message_broken
    else:
        lead, opening = texts_.new, texts_.message_new
    mandatory = [
        _name(scope, texts_) for scope in provider.scopes if scope.mandatory and scope.name in policy.requested
    ]
    return Asked(
        texts=texts_,
        host=host,
        provider=provider.name,
        title=say(texts_.reconnect if connected else texts_.connect),
        lead=say(lead),
        opening=say(opening),
        because=why.get(THE_LINK, ""),
        heading=say(texts_.missing if connected else texts_.asks_for),
        permissions=tuple(
            replace(_permission(key, provider, policy, texts_, plan, say), because=why[key])
            for key in needs
            if key != THE_LINK
        ),
        advice=texts.said(provider.advice, texts_),
        keep_ticked=texts_.keep_ticked.format(boxes=", ".join(mandatory)) if mandatory else "",
        go_on=say(texts_.go_on),
        you_decide=say(texts_.you_decide),
        over=say(texts_.over),
    )


def day(moment: datetime, texts_: Texts) -> str:
    """The date as people of that language write it, with the word for UTC left out: links end at no exact hour."""
    if texts_.code == "de":
        return f"{moment.day}.{moment.month}.{moment.year}"
    return f"{moment.day} {MONTHS_EN[moment.month - 1]} {moment.year}"


def message(asked_: Asked, *, name: str, url: str, expires_at: datetime) -> str:
    """A reply to paste, which names the boxes to leave ticked."""
    words = asked_.texts
    boxes = [words.quoted.format(words=permission.box or permission.label) for permission in asked_.permissions]
    advice = [asked_.say(words.message_box, boxes=", ".join(boxes))] if boxes else []
    advice += [asked_.keep_ticked] if asked_.keep_ticked else []
    paragraphs = [
        words.greeting.format(name=name) if name else words.greeting_without_name,
        asked_.opening,
        url,
        *advice,
        words.message_link.format(day=day(expires_at, words)),
        words.message_end,
    ]
    return "\n\n".join(paragraphs)


def labels_of(keys: Iterable[str], provider: Provider, texts_: Texts) -> tuple[str, ...]:
    """The needs in plain words; the connection itself is left out."""
    return tuple(_label(key, provider, texts_) for key in keys if key != THE_LINK)


def _permission(
    key: str, provider: Provider, policy: Policy, texts_: Texts, plan: str, say: Callable[[str], str]
) -> Permission:
    why = []
    for requirement in policy.requirements:
        if need_key(map(provider.canonical, requirement.any_of)) != key:
            continue
        if requirement.plans and plan not in requirement.plans:
            continue
        feature = texts.said(requirement.title, texts_) or requirement.feature
        why.append(texts.said(requirement.why, texts_) or texts_.needed_for.format(feature=feature))
    entry = _entry(key, provider)
    box = entry.box if entry else ""
    called = texts_.called.format(provider=provider.name, box=texts_.quoted.format(words=box)) if box else ""
    return Permission(_label(key, provider, texts_), tuple(dict.fromkeys(why)), box, called, "")


def _label(key: str, provider: Provider, texts_: Texts) -> str:
    entry = _entry(key, provider)
    return _name(entry, texts_) if entry else key.split("|", maxsplit=1)[0]


def _entry(key: str, provider: Provider) -> Scope | None:
    """The first of the alternatives that the catalogue knows."""
    return next((provider.by_name[name] for name in key.split("|") if name in provider.by_name), None)


def _name(scope: Scope, texts_: Texts) -> str:
    return scope.label_de if texts_.code == "de" and scope.label_de else scope.label

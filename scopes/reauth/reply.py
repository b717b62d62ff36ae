"""A reply to paste for a verdict, in the active language: what is wrong, who fixes it, and what the person can do.

It needs no link: where one would help, it offers to send one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from scopes.catalogue.entries import Provider
from scopes.judge.explain import Explanation
from scopes.judge.rules import OPTIONAL, Policy, need_key
from scopes.judge.sentences import ExplainedLine
from scopes.reasons import REMEDIES, Helps
from scopes.reauth import notices
from scopes.reauth.consent_text import Boxes, keep_ticked, labels_of, letter
from scopes.reauth.languages import text_of
from scopes.reauth.person_reasons import person_reason
from scopes.reauth.result import AttemptResult
from scopes.sources.consents import ADMIN_CONSENT_REQUIRED


@dataclass(frozen=True, slots=True)
class About:
    """What a reply is about. `name` is the person's and `successor` that of a retired provider, empty if there is none.

    `unavailable` says that the source connects nobody at the moment, `uncertain` that what is reported is quarantined.
    """

    host: str
    provider: Provider
    policy: Policy
    name: str = ""
    successor: str = ""
    unavailable: bool = False
    uncertain: bool = False

    @property
    def names(self) -> dict[str, str]:
        return {"host": self.host, "provider": self.provider.name, "successor": self.successor}


def reply_to(verdict: Explanation, about: About) -> str:
    """The reply for the verdict of a connection."""
    return _joined(about, _paragraphs(verdict, about))


def reply_to_failed(results: Iterable[str], about: About) -> str:
    """The reply where every attempt to connect failed; `results` are the source's words for the failures."""
    if ADMIN_CONSENT_REQUIRED in results:
        return _joined(about, [notices.RESULTS[AttemptResult.ADMINISTRATOR].translated(about.names).text])
    said = person_reason("attempt_failed", about.names)
    boxes = keep_ticked(about.provider, about.policy)
    return _joined(about, [said, boxes.text if boxes else "", _offer(about)])


def _joined(about: About, paragraphs: Iterable[str]) -> str:
    return "\n\n".join(letter(about.name, paragraphs))


def _paragraphs(verdict: Explanation, about: About) -> Iterator[str]:
    missing = [line for line in verdict.lines if line.need != OPTIONAL and line.held is not True]
    if verdict.moved:
        yield _moved(about)
        return
    match verdict.link_remedy:
        case "connect_successor":
            yield _retired(about)
            return
        case "phone_settings":
            yield from _on_the_phone(about)
            return
        case "raise_limit":
            yield _unavailable(about)
            return
    if about.uncertain or verdict.helps is Helps.VERIFY:
        yield (
            gettext(
                "We are checking your connection to %(provider)s and will write to you as soon as we know more. You"
                " need to do nothing until then."
            )
            % about.names
        )
        return
    if not verdict.link_reason and not missing:
        yield from _all_is_well(about)
        return
    if verdict.link_reason:
        yield person_reason(verdict.link_reason, about.names)
    yield from _missing(missing, about, broken=bool(verdict.link_reason))


def _missing(missing: Sequence[ExplainedLine], about: About, *, broken: bool) -> Iterator[str]:
    """What is missing, by who can fix it."""
    fixable = [line for line in missing if REMEDIES[line.remedy].by_reauth]
    if fixable:
        sentence = ngettext(
            "%(host)s is missing a permission from %(provider)s:",
            "%(host)s is missing some permissions from %(provider)s:",
            len(fixable),
        )
        why = [person_reason(line.reason, about.names) for line in fixable]
        labels = labels_of((need_key(line.scopes) for line in fixable), about.provider)
        named = Boxes(sentence % about.names, labels).text
        yield f"{named} {why[0]}" if len(fixable) == 1 else named
    if fixable or broken:
        yield _offer(about)
    for remedy, sentence in (
        (
            "change_request",
            gettext(
                "At the moment, %(host)s does not ask %(provider)s for this: %(labels)s. That is for us to change; you"
                " need to do nothing."
            ),
        ),
        (
            "change_console",
            gettext(
                "At the moment, %(provider)s does not offer this to people who use %(host)s: %(labels)s. That is for us"
                " to settle with %(provider)s; you need to do nothing."
            ),
        ),
        (
            "respect",
            gettext(
                "You decided against this before: %(labels)s. Nothing more is needed. If you change your mind, just"
                " write to us."
            ),
        ),
    ):
        of_it = [line for line in missing if line.remedy == remedy]
        if of_it:
            yield sentence % _with_labels(of_it, about)


def _offer(about: About) -> str:
    """That we can send a link, or that none would work now."""
    if about.unavailable:
        return _unavailable(about)
    return gettext("If you like, we will send you a link for this. It takes a minute.")


def _with_labels(lines: Iterable[ExplainedLine], about: About) -> dict[str, str]:
    labels = labels_of((need_key(line.scopes) for line in lines), about.provider)
    return {**about.names, "labels": ", ".join(labels)}


def _retired(about: About) -> str:
    sentence = (
        gettext(
            "%(provider)s has been switched off and can no longer be connected. %(successor)s takes its place. If you"
            " like, we will send you a link to connect it."
        )
        if about.successor
        else gettext("%(provider)s has been switched off and can no longer be connected.")
    )
    return sentence % about.names


def _moved(about: About) -> str:
    return (
        gettext(
            "You moved from %(provider)s to %(successor)s, which takes its place. You need to do nothing about"
            " %(provider)s any more."
        )
        % about.names
    )


def _on_the_phone(about: About) -> Iterator[str]:
    yield gettext("%(host)s gets the data of %(provider)s from your phone, and you allow it there.") % about.names
    yield text_of(about.provider.advice) or gettext(
        "Please open the settings of that app on your phone and allow the data there. No link can do that."
    )


def _unavailable(about: About) -> str:
    return (
        gettext(
            "At the moment, %(host)s cannot connect anybody to %(provider)s. This is not your fault, and trying again"
            " soon will not help."
        )
        % about.names
    )


def _all_is_well(about: About) -> Iterator[str]:
    yield (
        gettext(
            "We have looked at your connection to %(provider)s: everything that %(host)s needs is allowed, and the"
            " connection works."
        )
        % about.names
    )
    yield (
        gettext(
            "If data is missing all the same, please open the app of %(provider)s and let your device synchronise. If"
            " that does not help, write to us what is missing, and since when."
        )
        % about.names
    )

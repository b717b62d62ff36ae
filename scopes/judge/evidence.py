"""The evidence about one connection: what each source stated, and what follows for each attribute. Pure.

Existence follows from the newer of listing and live check; a connection is gone only when both say so. Access is proved
by an answer of the provider, by data or by a consent, never by `active` alone. Scopes are the newest that any source
reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from scopes.facts import LinkState
from scopes.judge.rules import NOT_BROKEN

KNOWN, UNFINISHED, NOT_FOUND, DOWN, CREDENTIAL, REFUSED = (
    "known", "unfinished", "not_found", "down", "credential", "refused"
)  # fmt: skip
ANSWERED, EXPIRED, NO_PROFILE = "answered", "expired", "no_profile"


@dataclass(frozen=True, slots=True)
class RecordedState:
    """The recorded state of the connection. `listed` is whether the last complete listing had it, None when unknown."""

    link: LinkState
    link_at: datetime
    reported: frozenset[str] | None
    scopes_at: datetime
    scopes_by: str
    listed_at: datetime | None = None
    listed: bool | None = None
    last_data_on: date | None = None


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """What the source `by` answered last, and the provider, where it was probed (else `probe` is empty)."""

    by: str
    at: datetime
    answer: str
    active: bool | None = None
    scopes: frozenset[str] | None = None
    consented_at: datetime | None = None
    probe: str = ""
    account: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LastWebhook:
    """The newest webhook: its kind, and what it reported about consent, link and scopes."""

    at: datetime
    kind: str
    scopes: frozenset[str] | None = None
    link: LinkState | None = None
    consent: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """What one source stated: by whom, when, the statement's text, and what it proves."""

    by: str
    at: datetime | date | None
    text: str
    worth: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The answer to one question about the connection, and why."""

    question: str
    answer: str
    explanation: str


@dataclass(frozen=True, slots=True)
class ConnectionEvidence:
    """All witnesses, and what follows from them. `checked_at` is when the source was asked last, if ever."""

    statements: tuple[Statement, ...]
    conclusions: tuple[Conclusion, ...]
    checked_at: datetime | None = None


def weigh(
    source: str, recorded: RecordedState, check: LiveAnswer | None, webhook: LastWebhook | None, reports: str = ""
) -> ConnectionEvidence:
    """The evidence of one connection of `source` (its title); None for a witness that never spoke.

    Webhooks are heard for 30 days. `reports` says how a source reports that nobody can ask; empty for all others.
    """
    return ConnectionEvidence(
        statements=tuple(_statements(recorded, check, webhook)),
        conclusions=(
            _existence(recorded, check, source, reports),
            _access(recorded, check, webhook),
            _scopes(recorded, check, webhook),
            *_account(check),
        ),
        checked_at=check.at if check else None,
    )


def _statements(recorded: RecordedState, check: LiveAnswer | None, webhook: LastWebhook | None) -> Iterator[Statement]:
    if check is not None:
        yield Statement(f"Live check with {check.by}", check.at, _answer_text(check), _WORTH_OF_ANSWER[check.answer])
        if check.probe:
            yield Statement("Provider account check", check.at, *_probed(check))
    if recorded.listed is not None:
        yield Statement(
            "Last complete listing",
            recorded.listed_at,
            "The connection was listed." if recorded.listed else "The connection was missing.",
            "Shows existence and scopes. `active` doesn’t show that the token works."
            if recorded.listed
            else "Not enough alone: the connection is gone only if the source also answers 404.",
        )
    if webhook is not None:
        yield Statement("Last webhook", webhook.at, _webhook_text(webhook), _worth_of(webhook))
    if recorded.last_data_on is not None:
        yield Statement("Last data", recorded.last_data_on, "Data arrived.", "Shows that access worked on that day.")


def _answer_text(check: LiveAnswer) -> str:
    if check.answer != KNOWN:
        return _ANSWERED[check.answer].format(check.by) + (f" ({check.detail})" if check.detail else "")
    active = {True: "active", False: "not active", None: "known"}[check.active]
    consented = f", consented on {_day(check.consented_at)}" if check.consented_at else ""
    return f"It is {active}{consented}. {_listed(check.scopes)}"


_ANSWERED = {
    UNFINISHED: "The consent was never completed.",
    NOT_FOUND: "{} doesn’t know this user (404).",
    DOWN: "{} did not answer.",
    CREDENTIAL: "{} rejected our credentials.",
    REFUSED: "{} refused the request.",
}
_WORTH_OF_ANSWER = {
    KNOWN: "Shows existence and scopes. Only `active: false` says something about the token.",
    UNFINISHED: "Nothing was connected under this id.",
    NOT_FOUND: "Not enough alone: the connection is gone only if a complete listing lacks it too.",
    DOWN: "Nothing. Check again later.",
    CREDENTIAL: "Nothing about this connection. Ask an engineer to check the environment’s API key.",
    REFUSED: "Nothing about this connection.",
}
_PROBED = {
    ANSWERED: ("The provider answered.", "Shows that the token works."),
    EXPIRED: (
        "The authorisation has expired (400).",
        "Shows that the provider no longer accepts the token, whatever `active` says.",
    ),
    NO_PROFILE: (
        "The provider answered with an error (500).",
        "Usually the profile scope was not granted. See the scopes.",
    ),
}


def _probed(check: LiveAnswer) -> tuple[str, str]:
    """(the probe's answer as text, what it proves)."""
    unusable = "No usable answer." + (f" ({check.detail})" if check.detail else "")
    return _PROBED.get(check.probe, (unusable, "Nothing about this connection."))


def _webhook_text(webhook: LastWebhook) -> str:
    scopes = f" {_listed(webhook.scopes)}" if webhook.scopes is not None else ""
    if webhook.link is not None:
        return f"`{webhook.kind}`: the link is {_words(webhook.link)}.{scopes}"
    if webhook.refused:
        return f"`{webhook.kind}`: data was refused for lack of permission.{scopes}"
    return f"`{webhook.kind}`: consent was given.{scopes}" if webhook.consent else f"`{webhook.kind}`.{scopes}"


def _worth_of(webhook: LastWebhook) -> str:
    if webhook.link is not None:
        return "Valid until a later consent, later data or a live check shows otherwise."
    if webhook.refused:
        return "Shows that a scope is missing. The token works."
    return "Valid until something newer is reported."


def _existence(recorded: RecordedState, check: LiveAnswer | None, source: str, reports: str) -> Conclusion:
    question = f"Does it exist at {source}?"
    if recorded.link is LinkState.GONE:
        return Conclusion(question, "No", f"It was missing from a complete listing, and {source} answered 404.")
    listed_later = recorded.listed_at is not None and check is not None and recorded.listed_at > check.at
    if check is not None and not (listed_later and recorded.listed is not None):
        if check.answer == KNOWN:
            return Conclusion(question, "Yes", f"{source} confirmed it on {_day(check.at)}.")
        if check.answer == NOT_FOUND:
            why = f"{source} answered 404 on {_day(check.at)}"
            if recorded.listed and recorded.listed_at:
                return Conclusion(
                    question, "Unconfirmed", f"{why}, but the listing of {_day(recorded.listed_at)} had it."
                )
            return Conclusion(question, "Unconfirmed", f"{why}. The next complete listing decides.")
    if recorded.listed is True:
        return Conclusion(question, "Yes", f"The listing of {_day(recorded.listed_at)} had it.")
    if recorded.listed is False:
        return Conclusion(
            question,
            "Unconfirmed",
            f"It was missing from the listing of {_day(recorded.listed_at)}. A live check decides.",
        )
    if reports:
        return Conclusion(question, "As reported", reports)
    return Conclusion(question, "Not known", "No listing or live check yet.")


def _access(recorded: RecordedState, check: LiveAnswer | None, webhook: LastWebhook | None) -> Conclusion:
    question = "Does access work?"
    if recorded.link not in NOT_BROKEN:
        return Conclusion(question, "No", " ".join(_why_broken(recorded, check)))
    proofs = [(recorded.last_data_on, "data arrived")] if recorded.last_data_on else []
    if check is not None and check.probe == ANSWERED:
        proofs.append((check.at.date(), "the provider accepted the token"))
    if webhook is not None and webhook.consent:
        proofs.append((webhook.at.date(), "consent was given"))
    if not proofs:
        return Conclusion(
            question, "Not proven", "Nothing shows that it doesn’t work. `active` doesn’t show that the token works."
        )
    on, what = max(proofs)
    return Conclusion(question, f"Yes, as of {_day(on)}", f"On that day {what}.")


def _why_broken(recorded: RecordedState, check: LiveAnswer | None) -> Iterator[str]:
    yield f"Status since {_day(recorded.link_at)}: {_words(recorded.link)}."
    if check is not None and check.active and recorded.link is not LinkState.GONE:
        yield f"{check.by} reported it as active on {_day(check.at)}, but that doesn’t show that the token works."
    if recorded.last_data_on is None:
        yield "No data has arrived since."
    elif recorded.last_data_on <= recorded.link_at.date():
        yield f"The last data arrived on {_day(recorded.last_data_on)}, before that."
    else:
        yield f"Data that arrived on {_day(recorded.last_data_on)} doesn’t change that."


def _scopes(recorded: RecordedState, check: LiveAnswer | None, webhook: LastWebhook | None) -> Conclusion:
    question = "Which scopes?"
    if recorded.reported is None:
        return Conclusion(question, "Not reported", "No scopes were reported. That doesn’t mean they are missing.")
    count = len(recorded.reported)
    found = f"{count} scope{'' if count == 1 else 's'}" if count else "None"
    explanation = [f"From {recorded.scopes_by}, the newest report."]
    for by, other in (("live check", check), ("webhook", webhook)):
        if other is None or (isinstance(other, LiveAnswer) and other.answer != KNOWN):
            continue
        if other.scopes is None:
            explanation.append(f"The {by} of {_day(other.at)} reported no scopes, which changes nothing.")
        elif other.scopes == recorded.reported:
            explanation.append(f"The {by} of {_day(other.at)} agrees.")
        else:
            explanation.append(
                f"The {by} of {_day(other.at)} reported other scopes: {_difference(recorded.reported, other)}."
            )
    return Conclusion(question, found, " ".join(explanation))


def _difference(reported: frozenset[str], other: LiveAnswer | LastWebhook) -> str:
    found = other.scopes or frozenset()
    more = [f"also `{scope}`" for scope in sorted(found - reported)]
    less = [f"not `{scope}`" for scope in sorted(reported - found)]
    return ", ".join((more + less)[:6]) + (" and more" if len(more) + len(less) > 6 else "")


def _account(check: LiveAnswer | None) -> Iterator[Conclusion]:
    question = "Whose account?"
    if check is not None and check.account:
        yield Conclusion(
            question,
            f"`{check.account}`",
            f"Reported by the provider on {_day(check.at)}. Compare it with what the person sees there.",
        )
    elif check is not None and check.probe == NO_PROFILE:
        yield Conclusion(question, "Not reported", "Without the profile scope the provider doesn’t report the account.")


def _listed(scopes: frozenset[str] | None) -> str:
    if scopes is None:
        return "No scopes reported."
    return f"Scopes: {', '.join(f'`{scope}`' for scope in sorted(scopes))}." if scopes else "No scopes granted."


def _words(link: LinkState) -> str:
    return link.value.replace("_", " ")


def _day(at: date | None) -> str:
    return f"{at:%-d %b %Y}" if at else "an unknown day"

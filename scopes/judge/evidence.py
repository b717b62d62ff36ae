"""What speaks for and against one connection, side by side, and which of it is right and why. Pure.

Attribute by attribute: a connection exists by the newest of listing and live check, and is gone only by both; access
works by what proves it (an answer of the provider, data, a consent), and never by `active` alone; scopes are those of
the newest source that told any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from scopes.facts import LinkState

KNOWN, UNFINISHED, NOT_FOUND, DOWN, CREDENTIAL, REFUSED = (
    "known", "unfinished", "not_found", "down", "credential", "refused"
)  # fmt: skip
ANSWERED, EXPIRED, NO_PROFILE = "answered", "expired", "no_profile"

NOT_BROKEN = frozenset({LinkState.ACTIVE, LinkState.UNCONFIRMED})


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is concluded from all facts so far. `listed`: whether the last complete listing held it, None: not known."""

    link: LinkState
    link_at: datetime
    reported: frozenset[str] | None
    scopes_at: datetime
    scopes_by: str
    listed_at: datetime | None = None
    listed: bool | None = None
    last_data_on: date | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What Terra said when it was last asked, and the provider, where it was probed (else `probe` is empty)."""

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
    """What the last webhook said: its kind, and what of it is about consent, link and scopes."""

    at: datetime
    kind: str
    scopes: frozenset[str] | None = None
    link: LinkState | None = None
    consent: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Sign:
    """One witness: who, when, what it says, and what that is worth."""

    who: str
    at: datetime | date | None
    says: str
    worth: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What is right about one attribute, and why."""

    question: str
    answer: str
    because: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All witnesses, and what follows from them. `asked_at` is when Terra was asked last, if it ever was."""

    signs: tuple[Sign, ...]
    conclusions: tuple[Conclusion, ...]
    asked_at: datetime | None = None


def weigh(recorded: Recorded, asked: Asked | None, heard: LastWebhook | None) -> Evidence:
    """The evidence of one connection; None for a witness that never spoke. Webhooks are heard for 30 days."""
    return Evidence(
        signs=tuple(_signs(recorded, asked, heard)),
        conclusions=(
            _existence(recorded, asked),
            _access(recorded, asked, heard),
            _scopes(recorded, asked, heard),
            *_account(asked),
        ),
        asked_at=asked.at if asked else None,
    )


def _signs(recorded: Recorded, asked: Asked | None, heard: LastWebhook | None) -> Iterator[Sign]:
    if asked is not None:
        yield Sign("Terra, asked live", asked.at, _said(asked), _WORTH_OF_ANSWER[asked.answer])
        if asked.probe:
            yield Sign("The provider, probed", asked.at, *_probed(asked))
    if recorded.listed is not None:
        yield Sign(
            "Last complete listing",
            recorded.listed_at,
            "It held the connection." if recorded.listed else "It did not hold the connection.",
            "It tells existence and scopes. Its `active` proves nothing about the token."
            if recorded.listed
            else "A suspicion: only with a 404 beside it is the connection gone.",
        )
    if heard is not None:
        yield Sign("Last webhook", heard.at, _told(heard), _worth_of(heard))
    if recorded.last_data_on is not None:
        yield Sign("Last data", recorded.last_data_on, "Data came.", "It proves that access worked on that day.")


def _said(asked: Asked) -> str:
    if asked.answer != KNOWN:
        return _ANSWERED[asked.answer] + (f" ({asked.detail})" if asked.detail else "")
    active = {True: "active", False: "not active", None: "known"}[asked.active]
    consented = f", consented on {_day(asked.consented_at)}" if asked.consented_at else ""
    return f"It is {active}{consented}. {_listed(asked.scopes)}"


_ANSWERED = {
    UNFINISHED: "The consent was never finished.",
    NOT_FOUND: "Terra knows no such user (404).",
    DOWN: "Terra did not answer.",
    CREDENTIAL: "Terra did not accept our own credential.",
    REFUSED: "Terra refused the question.",
}
_WORTH_OF_ANSWER = {
    KNOWN: "It tells existence and scopes. `active: true` proves nothing about the token; `active: false` counts.",
    UNFINISHED: "Nothing was connected under this id.",
    NOT_FOUND: "A suspicion: only with a complete listing that lacks it is the connection gone.",
    DOWN: "Nothing: ask again later.",
    CREDENTIAL: "Nothing about this connection: have an engineer look at the environment’s key.",
    REFUSED: "Nothing about this connection.",
}
_PROBED = {
    ANSWERED: ("The provider answered.", "It proves that the token works."),
    EXPIRED: (
        "The authorisation has expired (400).",
        "It proves that the provider no longer accepts the token, whatever `active` says.",
    ),
    NO_PROFILE: (
        "The provider answered with an error (500).",
        "Most often the profile scope was not granted. It changes nothing here: see the scopes.",
    ),
}


def _probed(asked: Asked) -> tuple[str, str]:
    """What it said, and what that is worth."""
    unusable = "No usable answer." + (f" ({asked.detail})" if asked.detail else "")
    return _PROBED.get(asked.probe, (unusable, "Nothing about this connection."))


def _told(heard: LastWebhook) -> str:
    scopes = f" {_listed(heard.scopes)}" if heard.scopes is not None else ""
    if heard.link is not None:
        return f"`{heard.kind}`: the link is {_words(heard.link)}.{scopes}"
    if heard.refused:
        return f"`{heard.kind}`: data was refused for lack of permission.{scopes}"
    return f"`{heard.kind}`: consent was given.{scopes}" if heard.consent else f"`{heard.kind}`.{scopes}"


def _worth_of(heard: LastWebhook) -> str:
    if heard.link is not None:
        return "It holds until a later consent, later data or a live check disproves it."
    if heard.refused:
        return "Evidence that a scope is lacking. The token works, and no reason changes by it."
    return "It holds until something newer is told."


def _existence(recorded: Recorded, asked: Asked | None) -> Conclusion:
    question = "Does Terra know it?"
    if recorded.link is LinkState.GONE:
        return Conclusion(question, "No", "A complete listing lacked it, and Terra answered 404: both are needed.")
    listed_later = recorded.listed_at is not None and asked is not None and recorded.listed_at > asked.at
    if asked is not None and not (listed_later and recorded.listed is not None):
        if asked.answer == KNOWN:
            return Conclusion(question, "Yes", f"Terra said so when asked on {_day(asked.at)}.")
        if asked.answer == NOT_FOUND:
            why = f"Terra answered 404 on {_day(asked.at)}"
            if recorded.listed and recorded.listed_at:
                return Conclusion(
                    question, "DraftWarning", f"{why}, but the listing of {_day(recorded.listed_at)} held it."
                )
            return Conclusion(question, "DraftWarning", f"{why}. The next complete listing decides.")
    if recorded.listed is True:
        return Conclusion(question, "Yes", f"The complete listing of {_day(recorded.listed_at)} held it.")
    if recorded.listed is False:
        return Conclusion(
            question,
            "DraftWarning",
            f"The complete listing of {_day(recorded.listed_at)} lacked it. A live check decides.",
        )
    return Conclusion(question, "Not known", "No listing and no live check has told.")


def _access(recorded: Recorded, asked: Asked | None, heard: LastWebhook | None) -> Conclusion:
    question = "Does access work?"
    if recorded.link not in NOT_BROKEN:
        return Conclusion(question, "No", " ".join(_why_broken(recorded, asked)))
    proofs = [(recorded.last_data_on, "data came")] if recorded.last_data_on else []
    if asked is not None and asked.probe == ANSWERED:
        proofs.append((asked.at.date(), "the provider answered the probe"))
    if heard is not None and heard.consent:
        proofs.append((heard.at.date(), "consent was given"))
    if not proofs:
        return Conclusion(
            question, "Not proven", "Nothing says that it does not. `active` proves nothing about the token."
        )
    on, what = max(proofs)
    return Conclusion(question, f"Yes, as of {_day(on)}", f"On that day {what}.")


def _why_broken(recorded: Recorded, asked: Asked | None) -> Iterator[str]:
    yield f"The link is {_words(recorded.link)} since {_day(recorded.link_at)}."
    if asked is not None and asked.active and recorded.link is not LinkState.GONE:
        yield f"That Terra called it active on {_day(asked.at)} proves nothing about the token."
    if recorded.last_data_on is None:
        yield "No data is known that would disprove it."
    elif recorded.last_data_on <= recorded.link_at.date():
        yield f"The last data came on {_day(recorded.last_data_on)}, which is no later."
    else:
        yield f"Data that came on {_day(recorded.last_data_on)} does not disprove this."


def _scopes(recorded: Recorded, asked: Asked | None, heard: LastWebhook | None) -> Conclusion:
    question = "Which scopes?"
    if recorded.reported is None:
        return Conclusion(question, "Not reported", "No source told any, and what is not told is not missing.")
    count = len(recorded.reported)
    told = f"{count} scope{'' if count == 1 else 's'}" if count else "None"
    because = [f"Told by {recorded.scopes_by}, the newest that told any."]
    for who, witness in (("live check", asked), ("webhook", heard)):
        if witness is None or (isinstance(witness, Asked) and witness.answer != KNOWN):
            continue
        if witness.scopes is None:
            because.append(f"The {who} of {_day(witness.at)} told none, which takes none away.")
        elif witness.scopes == recorded.reported:
            because.append(f"The {who} of {_day(witness.at)} agrees.")
        else:
            because.append(f"The {who} of {_day(witness.at)} told others: {_difference(recorded.reported, witness)}.")
    return Conclusion(question, told, " ".join(because))


def _difference(reported: frozenset[str], witness: Asked | LastWebhook) -> str:
    told = witness.scopes or frozenset()
    more = [f"also `{scope}`" for scope in sorted(told - reported)]
    less = [f"not `{scope}`" for scope in sorted(reported - told)]
    return ", ".join((more + less)[:6]) + (" and more" if len(more) + len(less) > 6 else "")


def _account(asked: Asked | None) -> Iterator[Conclusion]:
    question = "Whose account?"
    if asked is not None and asked.account:
        yield Conclusion(
            question,
            f"`{asked.account}`",
            f"The provider told it on {_day(asked.at)}. Compare it with what the person sees there.",
        )
    elif asked is not None and asked.probe == NO_PROFILE:
        yield Conclusion(
            question, "Not told", "Without the profile scope the provider does not say whose account it is."
        )


def _listed(scopes: frozenset[str] | None) -> str:
    if scopes is None:
        return "It told no scopes."
    return f"Scopes: {', '.join(f'`{scope}`' for scope in sorted(scopes))}." if scopes else "No scope is granted."


def _words(link: LinkState) -> str:
    return link.value.replace("_", " ")


def _day(at: date | None) -> str:
    return f"{at:%-d %b %Y}" if at else "an unknown day"

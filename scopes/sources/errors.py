"""What can go wrong with a source, whatever its kind. Nothing else leaves a gateway from a call.

No text here holds a header, a key or an e-mail address.
"""

from __future__ import annotations

from scopes.facts import AccountTrouble
from scopes.sources.events import EventAnswer


class SourceError(Exception):
    """The source gave no usable answer. `trace_id` is what its support asks for; empty when there was no answer."""

    def __init__(self, message: str, *, trace_id: str = "") -> None:
        self.trace_id = trace_id
        super().__init__(f"{message} (trace id {trace_id})" if trace_id else message)


class SourceUnavailable(SourceError):
    """They are down, slow, throttling or answer nonsense: try again later, after `retry_after` seconds where given.

    `status` is the HTTP status, where an answer came at all. `sent` is false where the request never reached them.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        sent: bool = True,
        trace_id: str = "",
    ) -> None:
        self.retry_after, self.status, self.sent = retry_after, status, sent
        super().__init__(message, trace_id=trace_id)


class CallsUsedUp(SourceUnavailable):
    """As many calls were made as this run may make: no more are sent."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the limit of calls is used up ({most:,})", sent=False)


class RequestRefused(SourceError):
    """We asked wrongly: they understood and refuse. `status` is the HTTP status, `detail` their words."""

    def __init__(self, message: str, *, status: int, detail: str = "", trace_id: str = "") -> None:
        self.status, self.detail = status, detail
        super().__init__(message, trace_id=trace_id)


class CredentialDead(SourceError):
    """The provider no longer accepts the credential of this one connection: its person must consent again."""


class AccountRefused(SourceError):
    """Our account there is refused, whichever connection it is about; `trouble` is the kind of refusal."""

    def __init__(self, message: str, *, trouble: AccountTrouble, trace_id: str = "") -> None:
        self.trouble = trouble
        super().__init__(message, trace_id=trace_id)


class CredentialRejected(AccountRefused):
    """Our own credential is not accepted: nothing works until somebody replaces it."""

    def __init__(self, message: str, *, trace_id: str = "") -> None:
        super().__init__(message, trouble=AccountTrouble.CREDENTIAL, trace_id=trace_id)


class NotConfigured(ValueError):
    """A source is not set up, or wrongly. The text names the variable to set, never its value."""


class UnknownName(NotConfigured):
    """The process environment names no such source."""


class NotVerified(Exception):
    """An event is not proved to be the source's. The text says what is wrong with its proof, and repeats none of it.

    `answer` is what its sender is answered, where the source's protocol says what; else 401.
    """

    def __init__(self, message: str, *, answer: EventAnswer | None = None) -> None:
        self.answer = answer
        super().__init__(message)


class Unsupported(NotImplementedError):
    """The source's kind cannot do this; its abilities say so."""

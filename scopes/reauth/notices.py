"""What a page says whose matter is decided: a title and a text for each end of a link, an attempt or a press."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from scopes.reauth.link_status import LinkStatus
from scopes.reauth.result import AttemptResult


class Notice(NamedTuple):
    """Sentences that may name %(host)s and %(provider)s."""

    title: str
    text: str

    def translated(self, names: Mapping[str, str]) -> Notice:
        """In the active language, with the names filled in."""
        return Notice(gettext(self.title) % names, gettext(self.text) % names)


FIXED = Notice(
    _("Thank you, all is connected"), _("%(host)s now has what it needs from %(provider)s. You can close this page.")
)
NOT_CONNECTED = _("You are not connected yet")
NOTHING_CHANGED = _("Nothing has changed")
NOT_NOW = _("This does not work at the moment")

LINKS: Mapping[LinkStatus, Notice] = {
    LinkStatus.FIXED: FIXED,
    LinkStatus.WITHDRAWN: Notice(
        _("This link was withdrawn"),
        _("%(host)s's support has withdrawn this link. If you still miss something, please ask them."),
    ),
    LinkStatus.SUPERSEDED: Notice(
        _("There is a newer link"),
        _("You were sent a newer link, and only that one works. Please look for the newest message."),
    ),
    LinkStatus.EXPIRED: Notice(
        _("This link has expired"),
        _("Links work for a few days only. Nothing is lost: ask %(host)s's support for a new one."),
    ),
}

RESULTS: Mapping[AttemptResult, Notice] = {
    AttemptResult.FIXED: FIXED,
    AttemptResult.PARTLY: Notice(_("Almost there"), _("%(provider)s is connected, but something is still missing.")),
    AttemptResult.UNCHANGED: Notice(
        _("Something is still missing"), _("%(provider)s is connected, but what was missing is missing still.")
    ),
    AttemptResult.WRONG_ACCOUNT: Notice(
        _("Was that another account?"),
        _(
            "It seems that you signed in to %(provider)s with another account than before. Please try again, and sign"
            " in with the account that you used until now."
        ),
    ),
    AttemptResult.MISSING_SCOPES: Notice(
        NOT_CONNECTED,
        _("%(provider)s made no connection, because a permission that it needs itself was left unticked."),
    ),
    AttemptResult.NOT_ALLOWED: Notice(
        NOT_CONNECTED, _("%(provider)s made no connection, because the access was not allowed.")
    ),
    AttemptResult.ADMINISTRATOR: Notice(
        NOT_CONNECTED,
        _(
            "At %(provider)s, only an administrator of your organisation can allow this. Please ask them to; trying"
            " again before will not help."
        ),
    ),
    AttemptResult.FAILED: Notice(NOT_CONNECTED, _("%(provider)s made no connection.")),
    AttemptResult.WAITING: Notice(
        _("Thank you, one moment"),
        _("We are waiting for %(provider)s to confirm. This usually takes some seconds; you may also close this page."),
    ),
}

# In their place where the person has a connection that works: it is not touched by an attempt that failed.
WHILE_CONNECTED: Mapping[AttemptResult, Notice] = {
    AttemptResult.MISSING_SCOPES: Notice(
        NOTHING_CHANGED,
        _(
            "%(provider)s added nothing, because a permission that it needs itself was left unticked. Your connection"
            " is as it was."
        ),
    ),
    AttemptResult.NOT_ALLOWED: Notice(
        NOTHING_CHANGED, _("The access was not allowed, so nothing was added. Your connection is as it was.")
    ),
    AttemptResult.ADMINISTRATOR: Notice(
        NOTHING_CHANGED,
        _(
            "At %(provider)s, only an administrator of your organisation can allow this. Please ask them to; trying"
            " again before will not help. Your connection is as it was."
        ),
    ),
    AttemptResult.FAILED: Notice(
        NOTHING_CHANGED, _("%(provider)s did not finish it, so nothing was added. Your connection is as it was.")
    ),
}

# In their place where the source does not report what was allowed.
NOT_REPORTED = Notice(
    _("Thank you"),
    _(
        "You have been at %(provider)s, and it does not tell us what you allowed there. You need to do nothing now:"
        " if something is missing, %(host)s's support will write to you."
    ),
)

UNKNOWN_LINK = Notice(
    _("This link is not complete"),
    _(
        "We do not know this link. Perhaps a part of it got lost when it was copied: open it straight from the message"
        " that you received, or ask support for a new one."
    ),
)
OTHER_BROWSER = Notice(
    NOTHING_CHANGED,
    _(
        "This page was opened in another browser than the link, or the browser keeps no cookies. Please open the link"
        " again, and stay in one browser."
    ),
)
TOO_MANY_PRESSES = Notice(
    _("Please wait a little"),
    _("This link has been used several times within the last hour. Please try again in an hour: it still works."),
)
SOURCE_UNAVAILABLE = Notice(
    NOT_NOW,
    _(
        "The service that connects you to %(provider)s cannot be reached just now. Nothing is lost: please try again"
        " in a few minutes, with the same link."
    ),
)
CANNOT_CONNECT = Notice(
    NOT_NOW,
    _(
        "%(host)s cannot make new connections at the moment. This is not your fault, and trying again soon will not"
        " help. Nothing is lost: %(host)s's support sees it, and can tell you when this link works again."
    ),
)
PORTAL_UNAVAILABLE = Notice(
    NOT_NOW,
    _("This page cannot be shown just now. Nothing is lost: please try again in a few minutes, with the same link."),
)

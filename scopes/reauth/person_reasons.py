"""Why the person is asked, in one sentence to them: for each reason that a link may go out for."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

# The reasons of a need that is missing.
SCOPES: Mapping[str, str] = {
    "declined": _("It was not ticked when you connected %(provider)s."),
    "not_granted": _("%(provider)s tells us that it is not allowed at the moment."),
    "removed_later": _("You allowed it before, and it has been taken away since."),
    "requirement_raised": _("We did not ask for it yet when you connected %(provider)s."),
    "renamed": _("%(provider)s has replaced this permission with a new one, which you have not been asked for yet."),
    "not_reported": _("%(provider)s does not tell us whether it is allowed."),
    "not_approved": _("%(provider)s did not offer this to you until now."),
    "never_requested": _("We did not ask for it until now."),
    "waived": _("You decided against it before, and you can still change your mind."),
}

# The reasons of the connection itself.
LINKS: Mapping[str, str] = {
    "attempt_failed": _("Connecting %(provider)s was tried before, and did not come to its end."),
    "revoked": _("At %(provider)s, the access of %(host)s was taken away."),
    "deauthorised": _("The connection to %(provider)s was ended."),
    "token_rejected": _("%(provider)s no longer accepts the access that you gave, perhaps after a new password."),
    "inactive": _("The connection to %(provider)s has become inactive."),
    "unconfirmed": _("The connection to %(provider)s could not be found lately."),
    "gone": _("The connection to %(provider)s no longer exists."),
    "credential_changed": _("The key or password with which you connected %(provider)s has changed."),
    "wrong_account": _("Another account of %(provider)s was connected than the one that you used before."),
    "no_data_source": _("The account that is connected at %(provider)s holds no data; your device may use another."),
    "user_limit": _("%(host)s could not connect more people to %(provider)s for a while."),
    "provider_ending": _("The service that you have connected is being switched off; %(provider)s takes its place."),
    "provider_retired": _("The service that you had connected was switched off; %(provider)s takes its place."),
}


def person_reason(reason: str, names: Mapping[str, str]) -> str:
    """The sentence for a reason, in the active language; empty where there is nothing to say to the person.

    `names` are those of the host and the provider, by these words.
    """
    sentence = SCOPES.get(reason) or LINKS.get(reason)
    return gettext(sentence) % names if sentence else ""

"""What a person sees: the consent screen, with the account to sign in as and a box for each scope."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup
from werkzeug.wrappers import Response

from scopes.catalogue.entries import Provider, Scope
from scopes.sandbox import pages
from scopes.sandbox.people import Person

CONSENT = Markup("""<p>The application asks for access to your {provider} account.</p>
<form method="post">
<fieldset><legend>Sign in as</legend>
{accounts}
</fieldset>
<fieldset><legend>Allow access to</legend>
{boxes}
</fieldset>
<p class="buttons"><button name="decision" value="allow">Allow</button>
<button name="decision" value="refuse" class="quiet">Refuse</button></p>
</form>""")
ACCOUNT = Markup(
    '<label class="box"><input type="radio" name="account" value="{key}" required{checked}>'
    "<span>{name}<code>{email}</code></span></label>"
)


def consent(
    provider: Provider, scopes: Iterable[Scope], accounts: Iterable[Person], signed_in: str, *, fixed: bool
) -> Response:
    """The consent screen, all boxes ticked. With `fixed` they cannot be changed."""
    people = Markup("\n").join(
        ACCOUNT.format(
            key=person.reference_id,
            name=person.name,
            email=person.email,
            checked=Markup(" checked") if person.reference_id == signed_in else "",
        )
        for person in accounts
    )
    boxes = Markup("\n").join(
        pages.BOX.format(
            name=scope.name,
            words=scope.box or scope.label,
            checked=Markup(" checked"),
            disabled=Markup(" disabled") if fixed else "",
        )
        for scope in scopes
    )
    nothing = Markup("<p>Nothing beyond your account: no permission was asked for.</p>")
    body = CONSENT.format(provider=provider.name, accounts=people, boxes=boxes or nothing)
    return pages.page(f"Connect {provider.name}", body, provider.name, sandbox="OAuth")


def message(text: str, status: int) -> Response:
    """A page that says why there is nothing to decide."""
    return pages.page("This does not work", Markup("<p>{}</p>").format(text), "the provider", status, "OAuth")

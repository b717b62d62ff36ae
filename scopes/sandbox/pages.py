"""What a person sees: a page to choose a provider, its consent screen, and a few words where there is nothing to do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from scopes.catalogue.entries import Provider, Scope
from scopes.sandbox.grants import terra_name

STYLE = (Path(__file__).parent / "sandbox.css").read_text(encoding="utf-8")
# form-action is left open: the answer to the form leads back to whoever sent the person here.
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"

PAGE = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · {sandbox} sandbox</title>
<link rel="stylesheet" href="/sandbox.css">
</head>
<body>
<header class="stripe">Sandbox: this is not {provider}, and no real data is here.</header>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
""")
BOX = Markup(
    '<label class="box"><input type="checkbox" name="scope" value="{name}"{checked}{disabled}>'
    "<span>{words}<code>{name}</code></span></label>"
)
CONSENT = Markup("""<p>The application asks to read this from your {provider} account:</p>
<form method="post">
<fieldset><legend>Allow access to</legend>
{boxes}
</fieldset>
<p class="buttons"><button name="decision" value="allow">Allow</button>
<button name="decision" value="refuse" class="quiet">Refuse</button></p>
</form>""")
CHOICE = Markup('<button name="provider" value="{value}" class="choice">{name}</button>')


def consent(provider: Provider, scopes: Iterable[Scope], ticked: Iterable[str], fixed: bool) -> Response:
    """The provider's consent screen. With `fixed`, the boxes show what is asked for and cannot be changed."""
    ticked = set(ticked)
    boxes = Markup("\n").join(
        BOX.format(
            name=scope.name,
            words=scope.box or scope.label,
            checked=Markup(" checked") if fixed or scope.name in ticked else "",
            disabled=Markup(" disabled") if fixed else "",
        )
        for scope in scopes
    )
    none = Markup("<p>Everything in your account: this provider has no separate permissions.</p>")
    body = CONSENT.format(provider=provider.name, boxes=boxes or none)
    return page(f"Connect {provider.name}", body, provider.name)


def choice(providers: Iterable[Provider]) -> Response:
    """The page where a provider is chosen."""
    buttons = Markup("\n").join(CHOICE.format(value=terra_name(each), name=each.name) for each in providers)
    return page("Which one do you use?", Markup('<form method="post">\n{}\n</form>').format(buttons))


def message(title: str, text: str, status: int = 200) -> Response:
    """A page that only says something."""
    return page(title, Markup("<p>{}</p>").format(text), status=status)


def style() -> Response:
    """The style sheet of all pages."""
    return Response(STYLE, mimetype="text/css")


def page(title: str, body: Markup, provider: str = "Terra", status: int = 200, sandbox: str = "Terra") -> Response:
    """A page of the sandbox that plays `sandbox`; its stripe says that this is not `provider`."""
    html = PAGE.format(title=escape(title), provider=provider, body=body, sandbox=sandbox)
    headers = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(html, status=status, mimetype="text/html", headers=headers)

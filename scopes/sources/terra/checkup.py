"""Whether an environment works: its addresses, credentials, listing, clock, links and webhook, one finding each."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from scopes.counted import counted
from scopes.facts import AccountTrouble
from scopes.sources.errors import AccountRefused, CredentialRejected, SourceError
from scopes.sources.setup import CheckResult
from scopes.sources.terra.admin_api import AdminApi
from scopes.sources.terra.answers import EnabledSources
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import BASE_URL, OLD_HOST, Environment
from scopes.sources.terra.errors import NEW_WIDGET_SESSION, TerraRefused, about_links
from scopes.sources.terra.setup import read_setup
from scopes.sources.terra.signature import sign
from scopes.sources.terra.trial import try_a_link

MOST_SKEW = timedelta(seconds=60)
WEBHOOK_TIMEOUT = 8.0
ACCEPTED, LINK = "credentials", "link"
OLD_WIDGET_SESSION_PATH = "/auth/generateWidgetSession"


def check(terra: Terra, *, now: datetime, webhook_url: str = "") -> Iterator[CheckResult]:
    """What works and what does not, as it is found.

    Asks Terra four times; the last two make a link and a widget session that nobody opens. Only where `webhook_url` is
    given, an event that means nothing is delivered there, signed with each of our secrets, and once with a wrong one.
    """
    environment = terra.environment
    yield _base_url(environment)
    enabled = yield from _integrations(terra, now)
    accepted = yield from _listing(terra)
    if accepted:
        if enabled:
            yield _link(terra, enabled, now)
        yield _widget_session(terra)
    yield _secrets(environment)
    if environment.admin_token:
        yield from _setup(environment, now)
    if webhook_url and environment.signing_secrets:
        yield from _webhook(environment, webhook_url, now)


def _base_url(environment: Environment) -> CheckResult:
    if urlsplit(environment.base_url).hostname != OLD_HOST:
        return CheckResult("base url", environment.base_url)
    return CheckResult(
        "base url",
        f"{environment.base_url} is the old address, which Terra is moving away from",
        f"Set {environment.variable('BASE_URL')} to {BASE_URL}.",
    )


def _integrations(terra: Terra, now: datetime) -> Generator[CheckResult, None, EnabledSources | None]:
    """Yields results; returns the enabled sources, None where there are none or Terra did not answer."""
    started = time.monotonic()
    try:
        enabled = terra.enabled_sources()
    except SourceError as error:
        yield _failed("integrations", terra.environment, error)
        return None
    passed = timedelta(seconds=time.monotonic() - started)
    count = len(enabled.names)
    enabled_in_words = "1 provider is enabled" if count == 1 else f"{count} providers are enabled"
    yield CheckResult(
        "integrations",
        enabled_in_words if count else "no provider is enabled, so no link can be made",
        "" if count else "Enable providers in Terra's dashboard, under Connections.",
    )
    if enabled.date:
        yield _clock(now + passed - enabled.date)
    return enabled if count else None


def _clock(ahead: timedelta) -> CheckResult:
    seconds = round(ahead.total_seconds())
    return CheckResult(
        "clock",
        f"our clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} Terra's",
        "Set this machine's clock by NTP: the age of webhooks is measured by it." if abs(ahead) > MOST_SKEW else "",
    )


def _listing(terra: Terra) -> Generator[CheckResult, None, bool]:
    """Yields results; returns whether Terra accepted the credentials and answered."""
    try:
        page = terra.listing_page(0)
    except CredentialRejected as error:
        yield _failed(ACCEPTED, terra.environment, error)
        return False
    except SourceError as error:
        yield _failed("listing", terra.environment, error)
        return False
    yield CheckResult(ACCEPTED, "the dev id and the API key are accepted", proves=ACCEPTED)
    shape = "everybody in one answer" if page.whole else f"page 0 of {(page.max_page or 0) + 1}"
    reported = sum(user.scopes is not None for user in page.users)
    found = f"{shape}: {counted(len(page.users), 'connection')}, {reported} of them with scopes"
    if page.unreadable:
        rows = counted(len(page.unreadable), "row")
        yield CheckResult(
            "listing",
            f"{found}; {rows} cannot be read, the first because: {page.unreadable[0].reason}",
            "Show these rows to Terra's support, or have the portal read them.",
        )
    else:
        yield CheckResult("listing", found)
    return True


def _link(terra: Terra, enabled: EnabledSources, now: datetime) -> CheckResult:
    try:
        name = try_a_link(terra, now, enabled)
    except SourceError as error:
        return _failed(LINK, terra.environment, error)
    if not name:
        return CheckResult("link not tried", "no enabled provider is known to be connected at a web page")
    return CheckResult(LINK, f"a link to {name} can be made", proves=LINK)


def _widget_session(terra: Terra) -> CheckResult:
    environment = terra.environment
    try:
        session = terra.widget_session()
    except SourceError as error:
        return _failed("widget session", environment, error)
    path = urlsplit(environment.widget_session_url).path
    if path.endswith(OLD_WIDGET_SESSION_PATH):
        return CheckResult(
            "widget session",
            f"a session can be made by {path}, which Terra has announced to switch off",
            f"Set {environment.variable('WIDGET_SESSION_URL')} to {NEW_WIDGET_SESSION}.",
        )
    lasts = f", valid for {session.expires_in} s" if session.expires_in else ""
    return CheckResult("widget session", f"a session can be made by {path}{lasts}")


def _setup(environment: Environment, now: datetime) -> Iterator[CheckResult]:
    """What Terra's Admin API says of the environment, part by part."""
    setup = read_setup(AdminApi(environment))
    variable = environment.variable("ADMIN_TOKEN")
    for part, error in setup.errors.items():
        do = f"Make a new token in Terra's dashboard and set {variable}." if part == "token" else "Give the token of "
        yield CheckResult(
            f"admin {part}", error, do if part == "token" else f"{do}{variable} the scope that this needs."
        )
    ends = setup.expires_at
    if setup.token is not None:
        soon = setup.expires_soon(now)
        until = f"until {ends:%-d %b %Y}" if ends else "without an end"
        says = f"the token may {', '.join(setup.token['scopes']) or 'nothing'}, {until}"
        yield CheckResult("admin token", says, f"Make a new one and set {variable}." if soon else "")
    if setup.providers is not None:
        custom = [one for one in setup.providers if one["scopes"]]
        yield CheckResult("admin providers", f"{len(setup.providers)} enabled, {len(custom)} with scopes of our own")
        for one in custom:
            yield CheckResult("admin scopes", f"{one['name']} is asked for {', '.join(one['scopes'])}")
    if setup.data_types is not None:
        yield CheckResult("admin data types", ", ".join(setup.data_types) or "none is selected")
    for destination in setup.destinations or ():
        types = destination["event_types"]
        on = "on" if destination["active"] else "off"
        what = "every type" if types is None else ", ".join(types) or "nothing"
        yield CheckResult(
            "admin destination", f"{destination['kind']} {destination['address']} is {on} and is sent {what}"
        )
    for cause in setup.causes:
        yield CheckResult(
            "admin destination", cause, "Correct it in Terra's dashboard, under Connections > Destinations."
        )
    if setup.failed is not None:
        count = f"{setup.failed['count']}{'' if setup.failed['complete'] else ' or more'}"
        latest = f", the last on {setup.failed['latest_at']}" if setup.failed["latest_at"] else ""
        do = "The desk's page of setups has them, and can have them sent again." if setup.failed["count"] else ""
        yield CheckResult("admin failed deliveries", f"{count}{latest}", do)


def _secrets(environment: Environment) -> CheckResult:
    if environment.signing_secrets:
        return CheckResult("webhook secret", f"signing secrets set: {len(environment.signing_secrets)}")
    return CheckResult(
        "webhook secret",
        "no signing secret is set, so every webhook is refused",
        f"Set {environment.variable('SIGNING_SECRETS')} to the secret of the destination in Terra's dashboard.",
    )


def _webhook(environment: Environment, url: str, now: datetime) -> Iterator[CheckResult]:
    body = json.dumps({"type": "healthcheck", "status": "success", "creation_timestamp": now.isoformat()}).encode()
    for number, secret in enumerate(environment.signing_secrets, start=1):
        status = _deliver(url, body, sign(body, secret, now))
        says = f"a delivery signed with secret {number} is answered with {status}"
        if isinstance(status, int) and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            yield CheckResult("webhook", says)
        elif status == HTTPStatus.UNAUTHORIZED:
            yield CheckResult("webhook", says, f"Give the server the same {environment.variable('SIGNING_SECRETS')}.")
        else:
            yield CheckResult("webhook", says, "Make this address answer 2xx: Terra follows no redirect.")
    status = _deliver(url, body, sign(body, f"not {environment.signing_secrets[0]}", now))
    yield CheckResult(
        "webhook",
        f"a delivery with a wrong signature is answered with {status}",
        ""
        if status == HTTPStatus.UNAUTHORIZED
        else "It must be refused with 401. Is this the webhook address of this environment?",
    )


def _deliver(url: str, body: bytes, signature: str) -> int | str:
    """The status that the address answers with, or what went wrong in words. Our key does not travel there."""
    headers = {
        "Content-Type": "application/json",
        "X-Terra-Signature": signature,
        "Terra-Signature": signature,
        "X-Terra-Trace-Id": f"checkup-{uuid4()}",
    }
    try:
        return requests.post(url, body, headers=headers, timeout=WEBHOOK_TIMEOUT, allow_redirects=False).status_code
    except (requests.RequestException, ValueError) as problem:
        return f"nothing ({type(problem).__name__})"


def _failed(check: str, environment: Environment, error: SourceError) -> CheckResult:
    if isinstance(error, CredentialRejected):
        names = f"{environment.variable('DEV_ID')} and {environment.variable('API_KEY')}"
        return CheckResult(check, str(error), f"Set {names} to those of this environment in Terra's dashboard.", error)
    if isinstance(error, AccountRefused):
        what = (
            "Have the limit raised, or end connections that nobody uses"
            if error.trouble is AccountTrouble.USER_LIMIT
            else "See to the payment"
        )
        return CheckResult(check, str(error), f"{what}: nobody can connect until then.", error)
    if isinstance(error, TerraRefused) and check == LINK:
        do = "Look at this source in Terra's dashboard, under Connections."
        return CheckResult(check, str(error), do, about_links(error))
    variable = environment.variable("WIDGET_SESSION_URL" if check == "widget session" else "BASE_URL")
    return CheckResult(
        check, str(error), f"Look at {variable} and Terra's status page; if both are well, ask its support."
    )

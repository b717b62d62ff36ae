"""Whether a host application's consent page is there."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import requests

from scopes.sources.calls import Calls
from scopes.sources.errors import SourceError
from scopes.sources.host.environment import LINK_URL, PROVIDER_PLACE, Host
from scopes.sources.setup import CheckResult

CONSENT_PAGE = "consent page"


def check(host: Host, reports: str, calls: Calls) -> Iterator[CheckResult]:
    """What works and what does not. The page is called without a request, which it may complain about.

    `reports` is the sentence on how we learn of its connections.
    """
    if not host.link_url:
        yield CheckResult(CONSENT_PAGE, f"none is set, so no link can be sent. {reports}", _set(host))
        return
    # Without a provider either: no person is meant, so none of the application's pages has to be there for one.
    page = host.link_url.replace(PROVIDER_PLACE, "")
    try:
        answered = calls.send(f"{host.name}'s consent page", requests.get, page)
    except SourceError as error:
        yield CheckResult(CONSENT_PAGE, str(error), _set(host), error)
        return
    there = answered.status < HTTPStatus.INTERNAL_SERVER_ERROR
    says = f"its address answers with {answered.status}. {reports}"
    yield CheckResult(CONSENT_PAGE, says, "" if there else "Look at the application's log.")


def _set(host: Host) -> str:
    return f"Set {host.variable(LINK_URL)} to the address of the application's consent page."

"""An event of any form, as it is stored, and the facts in it.

It is reduced at once to what is stored of it: `signal` (its form), `type`, `provider` (our slug), the `accounts`
that it is about, and the `state` that their links are in now, empty where it says nothing of that. Events that are not
signed, or that only hint at an end, make a link unconfirmed: the source is asked about it.
"""

from __future__ import annotations

from datetime import datetime
from mmap import mmap

from scopes.catalogue.oauth import OAuth, SignalKind
from scopes.facts import Fact, LinkChanged, LinkState
from scopes.sources.events import Event, ReadEvent
from scopes.sources.oauth2.clients import Client
from scopes.sources.oauth2.signals import security_event, slack, strava
from scopes.sources.oauth2.signals.reported import LARGEST, Reported

READERS = {
    SignalKind.STRAVA: strava.read,
    SignalKind.SLACK: slack.read,
    SignalKind.SET: security_event.read,
}


def read(oauth: OAuth, client: Client, body: bytes | mmap) -> ReadEvent:
    """The event in a body that is proved. Raises ValueError or RecursionError for what is none."""
    if oauth.signals is None:
        raise ValueError(f"{client.name}'s provider sends no events")
    if len(body) > LARGEST:
        raise ValueError(f"it is longer than {LARGEST} bytes")
    kind = oauth.signals.kind
    found: Reported = READERS[kind](bytes(body), oauth)
    return ReadEvent(
        found.type,
        {
            "signal": kind.value,
            "type": found.type,
            "provider": client.provider,
            "accounts": list(found.accounts),
            "state": found.state.value if found.state else "",
        },
    )


def facts(event: Event, happened_at: datetime) -> tuple[Fact, ...]:
    """The facts in a stored event."""
    if not event["state"]:
        return ()
    state, detail = LinkState(event["state"]), str(event["type"])
    return tuple(
        LinkChanged(event["provider"], account, state, happened_at, detail=detail) for account in event["accounts"]
    )

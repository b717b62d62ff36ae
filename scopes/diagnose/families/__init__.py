"""One file a family of APIs. Each has `RECOGNISERS`; adding one is a line there and a sample for it.

`oauth` holds what the standards say, `words` what people write in their own words, `health` our own kind of provider.
"""

from __future__ import annotations

from scopes.diagnose.families import (
    code_hosts,
    fitbit,
    google,
    health,
    microsoft,
    oauth,
    on_device,
    shops,
    social,
    strava,
    terra,
    words,
    workplace,
)
from scopes.diagnose.recognise import Recognises

RECOGNISERS: tuple[Recognises, ...] = (
    *oauth.RECOGNISERS,
    *words.RECOGNISERS,
    *terra.RECOGNISERS,
    *google.RECOGNISERS,
    *fitbit.RECOGNISERS,
    *strava.RECOGNISERS,
    *health.RECOGNISERS,
    *on_device.RECOGNISERS,
    *microsoft.RECOGNISERS,
    *code_hosts.RECOGNISERS,
    *workplace.RECOGNISERS,
    *social.RECOGNISERS,
    *shops.RECOGNISERS,
)

"""One file a family of APIs. Each has `RECOGNISERS`; adding one is a line there and a sample for it.

`oauth` holds what the standards say, `words` and `other_words` what servers say in their own words, `terra` and
`health` what our own providers answer.
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
    other_words,
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
    *other_words.RECOGNISERS,
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

"""One file a family of APIs. Each has `RECOGNISERS`; adding one is a line there and a sample for it.

`oauth` holds what the standards say. `needed`, `lacking`, `refused`, `our_client`, `ended` and `other_words` hold what
servers and libraries say in their own words: general on purpose, for texts that nobody has seen yet. `terra` and
`health` hold what our own providers answer.
"""

from __future__ import annotations

from scopes.diagnose.families import (
    code_hosts,
    ended,
    fitbit,
    google,
    health,
    lacking,
    microsoft,
    needed,
    oauth,
    on_device,
    other_words,
    our_client,
    refused,
    shops,
    social,
    strava,
    terra,
    workplace,
)
from scopes.diagnose.recognise import Recognises

RECOGNISERS: tuple[Recognises, ...] = (
    *oauth.RECOGNISERS,
    *needed.RECOGNISERS,
    *lacking.RECOGNISERS,
    *refused.RECOGNISERS,
    *other_words.RECOGNISERS,
    *our_client.RECOGNISERS,
    *ended.RECOGNISERS,
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

"""Social networks and media: Facebook, LinkedIn, X, Twitch, Discord, Spotify, TikTok."""

from __future__ import annotations

from scopes.diagnose.recogniser import (
    CERTAIN,
    CODE,
    KEY,
    LIST,
    LOOSE,
    NAMED,
    OTHER,
    TOKEN,
    RecogniserFunction,
    by_pattern,
)
from scopes.diagnose.result import ErrorVerdict

RECOGNISERS: tuple[RecogniserFunction, ...] = (
    by_pattern(
        "Facebook requires permission",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"\(#\d{1,3}\)[^\n]{0,40}?requires? (?:an? |the )?(?:extended )?permissions?:? ?" + LIST,
        "requires",
    ),
    by_pattern(
        "Facebook requires either permission",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"\(#\d{1,3}\)[^\n]{0,80}?\b(?:requires?|either)\s(?:either |both )?(?P<scopes>[a-z_]+(?:(?: and | or "
        r"|, )[a-z_]+){0,6}) permissions?",
        "permission",
        read="before",
    ),
    by_pattern(
        "Facebook missing permissions",
        ErrorVerdict.MISSING_SCOPE,
        CODE,
        r"\(#(?:10|100|2\d\d|3)\)[^\n]{0,60}permissions?\b",
        "permission",
    ),
    by_pattern(
        "Facebook capability",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"\(#3\)[^\n]{0,40}does not have the capability|needs at least one supported permission",
        "capability",
        "supported permission",
    ),
    by_pattern(
        "app review",
        ErrorVerdict.SCOPE_REFUSED,
        CODE,
        r"must be reviewed and approved|requires? app review"
        r"|(?:permission|feature|scope)s? (?:requires?|needs?) (?:app )?review",
        "review",
    ),
    by_pattern(
        "X credentials",
        ErrorVerdict.MISSING_SCOPE,
        LOOSE,
        r"credentials do not allow access to this resource",
        "do not allow access",
    ),
    by_pattern(
        "Facebook token",
        ErrorVerdict.TOKEN_INVALID,
        TOKEN,
        r"\bcode" + KEY + r"190\b|error validating access token|invalid oauth (?:2\.0 )?access token",
        "190",
        "access token",
    ),
    by_pattern(
        "LinkedIn not enough permissions",
        ErrorVerdict.MISSING_SCOPE,
        CODE,
        r"not enough permissions? to access",
        "not enough permission",
        caveat="LinkedIn says the same of a product that our app has not been given.",
    ),
    by_pattern(
        "X app permissions",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"not configured with the appropriate oauth1 app permissions|problems/oauth1-permissions"
        r"|read-only application cannot|application cannot perform write actions"
        r"|client is not permitted to perform this action",
        "oauth1",
        "read-only application",
        "write actions",
        "client is not permitted",
    ),
    by_pattern(
        "X client is not enrolled",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"client-not-enrolled|problems/client-forbidden|attached to a project|subset of (?:x|twitter) api",
        "client-not-enrolled",
        "client-forbidden",
        "attached to a project",
        "subset of",
        caveat="The level of access belongs to our app, not to the person: signing in again cannot help.",
    ),
    by_pattern(
        "X unsupported authentication",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"problems/unsupported-authentication|authenticating with [^\n]{0,60} is forbidden for this endpoint",
        "unsupported-authentication",
        "is forbidden for this endpoint",
    ),
    by_pattern(
        "Discord missing access",
        ErrorVerdict.MISSING_SCOPE,
        OTHER,
        r"\bmissing access\b(?! token)|\bcode" + KEY + r"5000[17]\b",
        "missing access",
        "50001",
        "50007",
        caveat="Discord says the same of a channel that the bot cannot see.",
    ),
    by_pattern(
        "Discord missing permissions",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        OTHER,
        r"\bcode" + KEY + r"50013\b|DiscordAPIError(?:\[50013\])?: missing permissions",
        "50013",
        "discordapierror",
        caveat="It is a role on that server, not a scope.",
    ),
    by_pattern(
        "Spotify premium",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        NAMED,
        r"premium required|premium_required|user not registered in the developer dashboard",
        "premium",
        "developer dashboard",
    ),
    by_pattern(
        "Spotify scope",
        ErrorVerdict.MISSING_SCOPE,
        CODE,
        r"token does not satisfy scope|\bpermissions missing\b",
        "satisfy scope",
        "permissions missing",
    ),
)

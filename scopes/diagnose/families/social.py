"""Social networks and media: Facebook, LinkedIn, X, Twitch, Discord, Spotify, TikTok."""

from __future__ import annotations

from scopes.diagnose.recognise import CERTAIN, CODE, KEY, LIST, LOOSE, NAMED, OTHER, TOKEN, Recognises, says
from scopes.diagnose.verdicts import Verdict

RECOGNISERS: tuple[Recognises, ...] = (
    says(
        "Facebook requires permission",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"\(#\d{1,3}\)[^\n]{0,40}?requires? (?:an? |the )?(?:extended )?permissions?:? ?" + LIST,
        "requires",
    ),
    says(
        "Facebook requires either permission",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"\(#\d{1,3}\)[^\n]{0,80}?\b(?:requires?|either)\s(?:either |both )?(?P<scopes>[a-z_]+(?:(?: and | or "
        r"|, )[a-z_]+){0,6}) permissions?",
        "permission",
        read="before",
    ),
    says(
        "Facebook missing permissions",
        Verdict.MISSING_SCOPE,
        CODE,
        r"\(#(?:10|100|2\d\d|3)\)[^\n]{0,60}permissions?\b",
        "permission",
    ),
    says(
        "Facebook capability",
        Verdict.SCOPE_REFUSED,
        CERTAIN,
        r"\(#3\)[^\n]{0,40}does not have the capability|needs at least one supported permission",
        "capability",
        "supported permission",
    ),
    says(
        "app review",
        Verdict.SCOPE_REFUSED,
        CODE,
        r"must be reviewed and approved|requires? app review"
        r"|(?:permission|feature|scope)s? (?:requires?|needs?) (?:app )?review",
        "review",
    ),
    says(
        "X credentials",
        Verdict.MISSING_SCOPE,
        LOOSE,
        r"credentials do not allow access to this resource",
        "do not allow access",
    ),
    says(
        "Facebook token",
        Verdict.TOKEN_INVALID,
        TOKEN,
        r"\bcode" + KEY + r"190\b|error validating access token|invalid oauth (?:2\.0 )?access token",
        "190",
        "access token",
    ),
    says(
        "LinkedIn not enough permissions",
        Verdict.MISSING_SCOPE,
        CODE,
        r"not enough permissions? to access",
        "not enough permission",
        caveat="LinkedIn says the same of a product that our app has not been given.",
    ),
    says(
        "X app permissions",
        Verdict.SCOPE_REFUSED,
        CERTAIN,
        r"not configured with the appropriate oauth1 app permissions|problems/oauth1-permissions"
        r"|read-only application cannot|application cannot perform write actions"
        r"|client is not permitted to perform this action",
        "oauth1",
        "read-only application",
        "write actions",
        "client is not permitted",
    ),
    says(
        "X client is not enrolled",
        Verdict.SCOPE_REFUSED,
        CERTAIN,
        r"client-not-enrolled|problems/client-forbidden|attached to a project|subset of (?:x|twitter) api",
        "client-not-enrolled",
        "client-forbidden",
        "attached to a project",
        "subset of",
        caveat="The level of access belongs to our app, not to the person: signing in again cannot help.",
    ),
    says(
        "X unsupported authentication",
        Verdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"problems/unsupported-authentication|authenticating with [^\n]{0,60} is forbidden for this endpoint",
        "unsupported-authentication",
        "is forbidden for this endpoint",
    ),
    says(
        "Discord missing access",
        Verdict.MISSING_SCOPE,
        OTHER,
        r"\bmissing access\b(?! token)|\bcode" + KEY + r"5000[17]\b",
        "missing access",
        "50001",
        "50007",
        caveat="Discord says the same of a channel that the bot cannot see.",
    ),
    says(
        "Discord missing permissions",
        Verdict.NOT_A_SCOPE_PROBLEM,
        OTHER,
        r"\bcode" + KEY + r"50013\b|DiscordAPIError(?:\[50013\])?: missing permissions",
        "50013",
        "discordapierror",
        caveat="It is a role on that server, not a scope.",
    ),
    says(
        "Spotify premium",
        Verdict.NOT_A_SCOPE_PROBLEM,
        NAMED,
        r"premium required|premium_required|user not registered in the developer dashboard",
        "premium",
        "developer dashboard",
    ),
    says(
        "Spotify scope",
        Verdict.MISSING_SCOPE,
        CODE,
        r"token does not satisfy scope|\bpermissions missing\b",
        "satisfy scope",
        "permissions missing",
    ),
)

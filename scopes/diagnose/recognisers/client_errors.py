"""Errors of our own OAuth client: what it may not do at the token endpoint, and its credentials."""

from __future__ import annotations

from scopes.diagnose.recogniser import CODE, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict

_MAY_NOT = r"(?:not (?:\w+ )?(?:authori[sz]ed|allowed|permitted|enabled)|unauthori[sz]ed|no permission)"
_WAY = (
    r"(?:grants?(?:[_ ]types?)?|grant_types?|token using|flows?|this method|response[_ ]types?|service accounts?"
    r"|direct access|implicit)"
)

RECOGNISERS: tuple[RecogniserFunction, ...] = (
    by_pattern(
        "our client may not ask so",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CODE,
        r"\bclient\b[^\n.]{0,30}\b" + _MAY_NOT + r"\b[^\n.]{0,50}\b" + _WAY + r"\b"
        r"|\bgrants?(?:[_ ]types?)?\b[^\n.]{0,40}\b(?:"
        + _MAY_NOT
        + r"|not supported|invalid|disabled)\b[^\n.]{0,20}\bclient"
        r"|\bclient\b[^\n.]{0,20}\bpermissions? to use (?:the |this )?(?:requested )?grant|\bunauthori[sz]ed client\b"
        r"|\binvalid grant[_ ]types?\b|\bnot allowed to use (?:the )?authori[sz]ation grant",
        "client",
        "grant",
        caveat="Our client is not set up for this way of asking for a token: an engineer looks at the console.",
    ),
    by_pattern(
        "our client is not accepted",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CODE,
        r"\bclient authentication (?:has )?failed\b"
        r"|\b(?:bad|invalid|unknown|wrong|incorrect) client (?:credentials|authentication)"
        r"|\bclient[ _]?(?:id|secret) (?:is |was )?(?:invalid|unknown|wrong|incorrect|not found|not valid)",
        "client",
        caveat="The id or the secret of our own client is wrong: no person can fix it.",
    ),
)

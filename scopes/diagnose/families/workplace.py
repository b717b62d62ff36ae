"""Tools of work: Slack, Zoom, Atlassian, Notion, Asana, Dropbox, Zoho, Pipedrive, Figma and others."""

from __future__ import annotations

from scopes.diagnose.recognise import CERTAIN, CODE, FENCED_LIST, KEY, LIST, NAMED, PHRASE, Recognises, says
from scopes.diagnose.verdicts import Verdict

RECOGNISERS: tuple[Recognises, ...] = (
    says(
        "Slack needed scopes",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"(?<![a-z_-])needed" + KEY + LIST,
        "needed",
        doubt="Of several scopes, Slack needs the one for the kind of channel that was asked for.",
    ),
    says(
        "Slack permissions",
        Verdict.MISSING_SCOPE,
        CODE,
        r"does not have the permissions? necessary|\b(?:not_allowed_token_type|team_access_not_granted)\b",
        "permissions necessary",
        "permission necessary",
        "not_allowed_token_type",
        "team_access_not_granted",
    ),
    says(
        "Slack permissions requested",
        Verdict.SCOPE_REFUSED,
        NAMED,
        r"invalid permissions requested|invalid_scope_requested|unapproved_scope",
        "invalid permissions requested",
        "invalid_scope_requested",
        "unapproved_scope",
    ),
    says(
        "Zoom token lacks scopes",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"does not contain scopes?:? {0,3}" + LIST,
        "does not contain scope",
        any_of=True,
    ),
    says(
        "Atlassian scope does not match",
        Verdict.MISSING_SCOPE,
        CODE,
        r"scope does not match",
        "scope does not match",
    ),
    says(
        "Dropbox required scope",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"required_scope" + KEY + LIST,
        "required_scope",
    ),
    says(
        "Zoho scope mismatch",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"oauth_scope_mismatch|invalid_?oauth_?scope|invalid oauth scope to access",
        "oauth_scope",
        "oauthscope",
        "oauth scope",
    ),
    says(
        "scope and URL",
        Verdict.MISSING_SCOPE,
        CODE,
        r"scope and url mismatch|application scope violated|good scope rights|\bbad scope\b"
        r"|outside (?:of )?(?:the )?scope of (?:this|the|your) token",
        "scope",
    ),
    says(
        "Feishu app scope",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"(?<!\d)999916(?:61|63|68|72|79)(?!\d)",
        "999916",
    ),
    says(
        "endpoint requires",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"endpoint requires (?:the |one of the |either )?(?P<scopes>[^\n]{2,400}?) scopes?\b",
        "endpoint requires",
        read="before",
    ),
    says(
        "scopes to add",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"\badd the (?P<scopes>[^\n]{2,200}?) scope(?:\(s\)|s)? to your",
        "add the",
        read="before",
    ),
    says(
        "permission in brackets",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"(?:needs?|must|requires?)\b[^\n]{0,30}?\b(?:have )?" + FENCED_LIST + r" permissions?\b",
        "permission",
        read="fenced",
    ),
    says(
        "Trello permission",
        Verdict.MISSING_SCOPE,
        CODE,
        r"unauthori[sz]ed permission requested",
        "permission requested",
    ),
    says(
        "Notion not shared",
        Verdict.NOT_A_SCOPE_PROBLEM,
        PHRASE,
        r"shared with your integration|object_not_found",
        "shared with your integration",
        "object_not_found",
    ),
)

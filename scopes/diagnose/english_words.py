"""Ordinary English words, which are neither scope names nor secrets."""

from __future__ import annotations

import re

_PASSED_OVER = """
    a additional all an any api at authorised authorized extended following from in least list missing necessary needed
    oauth oauth2 of one permission permissions privilege privileges required scope scopes scope(s) some the these this
    those to token
"""
_SENTENCE = """
    access app application are authorization be been bad but by can cannot check client code contact data denied
    description detail details does empty error errors failed false for forbidden granted has have header if
    insufficient invalid is it masked message must n/a name no none not null on only or parameter parameters please
    provided provider request requested requests requires see status supported that then there true unauthorized
    undefined unknown unsupported url user valid value values visit was were when which with you your
"""
_PROSE = """
    about above absent accept accepted accepting accepts accessed account accounts action active actually added
    administrator after again against age allow allowed allowing allows already also although always am among and
    another anymore anyway apikey apparently appears approval approve approved as ask assertion assigned attached
    attempt attempted auth authenticate authenticated authentication authorisation authorise authorities authority
    authorize authorizing available away basic bearer because before being belong below between blank blocked both box
    browser but came cancel canceled cancelled change changed changes claim claims clicked close closed come commands
    config configuration configured confirm connect connected connection consent console constraint contain contained
    containing contains context cookie cookies could couldn't created credential credentials current currently custom
    datasource deactivated declared declined default define defined denial deny depends deprecated detected developer
    developers did didn't different digest disabled disallowed do docs documentation doesn't don't dont down dpop
    during each either else enable enabled endpoint enough ensure entered entirely even ever every exact exceed
    exceeded exceeds except exception exist existing exists expect expected expiration expired expires expiry fail
    failing fails failure fatal feature field fields find first fix flow format found full function get gets getting
    give given go gone got grant granting grants greater group had handled happened happens hasn't having hawk he
    headers hello help here higher host how however http https i id ids ignored illegal inaccessible inactive
    incomplete incorrect incorrectly indicates info information instance instead internal into invalidated isn't issue
    issued issuer its itself key keys know lack lacked lacking lacks last later left length less level like limit
    limited line link listed log login longer look mac made make malformed manage match matched matches matching
    maximum may maybe mean means mentioned method methods might mine mismatch mismatched misspelled more most my need
    needs negotiate neither never new next nonce nonexistent nor note nothing notice now ntlm null object obtain
    occurred off ok okay old once ones operation option options other our out outside over own page parse parsed
    parsing part pass passed password pending perform perhaps permit permitted policy possible prior privacy problem
    process proper properly provide providing quota raised reached realm reason receive received reconnect refer
    refresh refused registered reject rejected remote remove removed renew replaced report requesting require
    requirement requirements resource resources response restricted result retry return returned returning returns
    review revoke revoked right rights role roles rule said same saved say says scheme second seconds secret seems
    select selected send sent server service session set setting should show sign signature signed signin simply since
    single site so something sorry specific specified specify still stopped string such sufficient support sure
    suspended system take taken tell terms than thank thanks their them they thing thinks though throw thrown time
    times together tokens too tried try trying turn two type unable unapproved unauthenticated unavailable under
    unexpected unless unprocessable unrecognized unregistered unrequested unset until unverified up update updated
    upgrade upon us use used username using usual validate validated validation verification verified verifier verify
    version via violation wait want wants warning wasn't way we website well went weren't what where whether while who
    whole whose why will window within without won't word work working works would wrong yes yet yourself
"""
ARTICLES = frozenset(_PASSED_OVER.split())
NEVER = ARTICLES | frozenset(_SENTENCE.split())
PROSE = NEVER | frozenset(_PROSE.split())

_PARTS = re.compile(r"[A-Z]?[a-z']+|[A-Z]+(?![a-z])|[^A-Za-z\s_.,:;!?()\"'/-]+|[A-Za-z]+")


def parts(text: str) -> list[str]:
    """The words of `text` in small letters; those of `snake_case` and `camelCase` one by one."""
    return [part.lower() for part in _PARTS.findall(text)]


def is_prose(text: str) -> bool:
    """True when every word is one of sentences: "token has expired", `invalid_token`, `NOT_FOUND`."""
    found = parts(text.replace("+", " ").replace("%20", " "))
    return bool(found) and all(part in PROSE for part in found)


def is_sentence(text: str) -> bool:
    """True for several words of which two or more are words of sentences, whatever they speak of."""
    words = text.split()
    return len(words) > 2 and sum(is_prose(word) for word in words) >= 2

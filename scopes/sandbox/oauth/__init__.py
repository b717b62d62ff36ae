"""An OAuth 2.0 provider to try against, on a port of its own: one client, seven accounts, boxes to untick.

It plays a provider of the catalogue: its scopes, and where it tells the account's id. Endpoints are found by its
metadata (RFC 8414), so a client needs nothing but its address. In reading order:

    grants     what accounts granted, codes and tokens, in one SQLite file
    behaviour  how it answers; this changes while it runs
    client     who calls: the client's id, its secret, where its people may be sent back to
    consent    the consent screen, and what is decided there
    tokens     the token endpoint, revocation, introspection, the account
    pages      the HTML of the consent screen
    control    the control API of whoever tries something out
    server     all of it on one port of the loopback
"""

"""A Terra to try against, and an OAuth provider: programs of their own, each with its own process, port and store.

Only the command `sandbox` imports it, and of the portal it imports only the catalogue. In reading order:

    people          Person and Connection, and the seven named people
    resources       Terra's names of the providers, from a list of its own
    grants          which scopes a consent screen offers, and which ones people usually grant
    population      generated people and connections: a function of (seed, number)
    store           the changes since, in one SQLite file
    settings        how it behaves; settings change while it runs
    account         one Terra environment: population and store together
    auth_events     the bodies of webhooks about connections
    data_events     the bodies of webhooks with data
    signing         the signature of a webhook
    webhook_sender  sends webhooks, and retries them
    credentials     dev-id and API key
    json_http       JSON requests and responses
    api             Terra's API for connections
    admin           Terra's Admin API: how the environment is set up, and what was delivered
    links           the endpoints that create consent links
    consent         the consent session: choose a provider, tick, allow or refuse
    pages           the HTML of a consent session
    mails           a page of the mails that the portal sent, where it writes them into a directory
    faults          wrong, late or broken answers on request
    control         the control API of whoever tries something out
    server          all of it on one port of the loopback
    oauth           an OAuth 2.0 provider, on another port
    start           which of the two the command asks for
"""

"""A Terra to try against: a program of its own, with its own process, port and store.

Nothing of the portal imports it but its command, and it imports nothing of ours but the catalogue. In reading order:

    cast        what a person and a connection are here, and the few who stand in front
    resources   what Terra calls its sources, by a list of its own
    offer       what a provider's consent screen offers, and what people usually grant there
    people      who is connected to what: a function of (seed, number), so that a million of them cost nothing
    store       the changes since, in one SQLite file
    settings    what the contract leaves open, as settings
    account     both together: what this Terra knows, and what happens to it
    events      the bodies of its webhooks about connections
    data        the bodies of its webhooks with data
    signing     how they are signed
    webhook_sender     how they are delivered, and tried again
    credentials what an application proves itself with
    wire        JSON in, JSON out
    api         the endpoints that tell about connections
    admin       the Admin API: how the environment is set up, and what was delivered
    links       the endpoints that give out links
    consent     the walk of a person: choose, tick, allow or refuse
    pages       what the person sees there
    mischief    answers that go wrong on purpose
    control     the levers of whoever tries something out
    server      all of it on one port of the loopback
"""

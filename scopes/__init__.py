"""The one app. Read it in this order; imports go down this list, never up.

facts      what can happen to a connection           reasons    why, and what would fix it
catalogue  providers and scopes, as data files        models     the records
sources    one protocol, a package a kind of source  judge      rules, standings, policies, explanations
intake     facts -> records, never backwards          diagnose   an error text -> what it proves
audit      count, compare, report                     reauth     preflight, issue, landing, settle
rights     a person's export and erasure              access_log who saw whom
outbox     what we report to others, and its sending
channels   how a message reaches a person
api_keys   make, rotate and revoke keys of the API
flow       the spine: take facts in, record, judge    sync       webhooks, listings, live checks -> the flow
nightly    the night, step by step
admin, views, api, management, jobs                   the doors
queue      what is deferred, run by any worker       counted    a number and its noun
roles      what each role of agents may do
counters   what only this process knows, for /metrics
sandbox    a source to try against, a program of its own
"""

"""The host application, which keeps its own tokens and reports by the API. A source is one application: `host:app`.

environment   the applications, from the process environment     kind        what the registry knows
request       what the application's consent page is given: signed, encrypted, short-lived
checkup       whether that page answers                           gateway     all of it behind the protocol
"""

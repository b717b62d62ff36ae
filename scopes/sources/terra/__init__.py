"""The only code that knows Terra.

`kind` and `gateway` put it behind the protocol of every source (see `sources.gateway`). `client` asks, `exchange`
carries one call, `answers` reads what returns, `errors` says what can go wrong. `payloads` and `events` make facts
of users and webhook events, `signature` proves a webhook, `environments` says who we are, `checkup` whether all works.
"""

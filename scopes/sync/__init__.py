"""What a source sends and what it is asked, each recorded by `flow`.

webhook, body       store a delivery before any work, however large it is
deliveries          process what is stored
retention           how long deliveries are stored
listing_lock        one process at a time takes a listing
shards              a listing that several processes walk
walk                what was seen of a listing so far
listing             walk all connections that a source knows
quarantine          broken links of many at once are weighed first
live_check          ask about single connections
second_connections  whether a second connection is of the same account
refreshes           refresh the tokens that we hold
revoking            end at the source what an erased person granted
account             whether the source refuses our account
rate_limit          how often a source is called
batcher             work that one thread does for all
worker_process      a second process that records in parallel
"""

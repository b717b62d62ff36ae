"""The API of the host application: JSON over HTTPS, at `/api/v1/`. Its document is made from the code.

api          the whole: routers, document, errors. Begin here
keys         who calls, and what the key may do
problems     how every error is answered
bodies       read a request's body, up to a bound
own_key      what a key may do
people       report people
connections  report connections
reports      what both have in common: rows, refused rows
idempotency  a call that is repeated is done once
"""

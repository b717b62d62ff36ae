"""The API of the host application: JSON over HTTPS, at `/api/v1/`. Its document is made from the code.

api          the whole: routers, document, errors. Begin here
keys         who calls, and what the key may do
problems     how every error is answered
bodies       read a request's body, up to a bound
own_key      what a key may do
people       report people
connections  report connections
errors       diagnose an error that the host met
reports      what batches have in common: rows, refused rows
person       read a person: what is missing, why, what helps
connection_list  connections by what is wrong with them
links        make a link, or the reason why not
tokens       an access token, or the reason why not
verdicts     what is missing and why, as these four write it
caller       what a key sees of people, and how its calls are recorded
arguments    only the parameters that are offered
cursors      where the next page of a list begins
idempotency  a call that is repeated is done once
"""

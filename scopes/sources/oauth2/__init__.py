"""Any OAuth 2.0 API, whose client we are. A source is one registration of ours at one provider: `oauth2:google`.

clients     who we are, from the process environment     kind        what the registry knows, without a model
endpoints   the provider's addresses: catalogue, or discovery
client      the one module that uses Authlib             answers     what a token endpoint answers, in whatever shape
consent     where to send a person, and their return     granted     what was granted, wherever it is reported
account     whose account it is                          vault       encrypts and decrypts tokens, and nothing else does
tokens      the rows of tokens                           refresh     new tokens before the old ones expire
gateway     all of it behind the protocol of every source
"""

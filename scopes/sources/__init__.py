"""How we learn of connections: one package a kind of source."""

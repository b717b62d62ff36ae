"""What the performance table of the docs is made with: `make bench`. Its PostgreSQL is its own, with fsync on."""

"""Facts -> records: idempotent, and never backwards in time. Begin with `recorder`, then `effects`."""

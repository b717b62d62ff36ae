"""What a source sends (deliveries) and what it is asked (listing, live checks), each recorded by `flow`."""

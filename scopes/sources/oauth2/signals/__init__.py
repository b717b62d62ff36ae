"""What a provider reports by itself: that somebody revoked our access. Each form of it has a module."""

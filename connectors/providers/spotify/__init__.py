"""allauth's Spotify provider, made fit for the Web API of 2026."""

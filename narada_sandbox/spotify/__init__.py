"""Spotify as the sandbox plays it."""

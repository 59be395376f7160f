"""The settings that point Narada at a sandbox."""

from __future__ import annotations

from narada_sandbox import (
    LASTFM_API_KEY,
    LASTFM_API_SECRET,
    SPOTIFY_CLIENT_ID,
    SPOTIFY_CLIENT_SECRET,
)


def make_settings(base_url: str) -> dict[str, str]:
    """Return the environment variables for a sandbox at ``base_url`` (without a final slash)."""
    return {
        "SPOTIFY_CLIENT_ID": SPOTIFY_CLIENT_ID,
        "SPOTIFY_CLIENT_SECRET": SPOTIFY_CLIENT_SECRET,
        "SPOTIFY_API_URL": f"{base_url}/v1",
        "SPOTIFY_ACCOUNTS_URL": base_url,
        "LASTFM_API_KEY": LASTFM_API_KEY,
        "LASTFM_API_SECRET": LASTFM_API_SECRET,
        "LASTFM_API_URL": f"{base_url}/2.0/",
        "LASTFM_AUTH_URL": f"{base_url}/api/auth/",
    }

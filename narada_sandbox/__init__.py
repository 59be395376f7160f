"""A local stand-in for Spotify and Last.fm: real HTTP, real-looking music, nobody's account.

It binds to a loopback address only, refuses other Host headers and marks every answer with
``X-Narada-Sandbox: 1``, so it cannot be taken for the real services. It needs nothing but the
standard library. ``server.py`` has the ``Sandbox`` class and ``serve()``.
"""

SPOTIFY_CLIENT_ID = "sandbox-client"
SPOTIFY_CLIENT_SECRET = "sandbox-secret"
LASTFM_API_KEY = "0123456789abcdef0123456789abcdef"
LASTFM_API_SECRET = "fedcba9876543210fedcba9876543210"

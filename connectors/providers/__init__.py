"""Connecting in the web, through allauth: Spotify as it is today, and Last.fm, which allauth lacks.

Both leave storing to the site. Besides allauth's own hooks they ask its social account adapter
for ``get_service_session(service)``, a ServiceSession with the site's budget, and they hand it the
tokens as ``sociallogin.tokens`` (``connectors.records.Tokens``).
"""

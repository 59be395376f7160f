"""``spotify_login`` and ``spotify_callback``, mounted by allauth."""

from django.urls import path

from connectors.providers.spotify.views import oauth_callback, oauth_login

urlpatterns = [
    path("spotify/login/", oauth_login, name="spotify_login"),
    path("spotify/login/callback/", oauth_callback, name="spotify_callback"),
]

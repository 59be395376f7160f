"""``lastfm_login`` and ``lastfm_callback``, mounted by allauth."""

from django.urls import path

from connectors.providers.lastfm.views import callback, login

urlpatterns = [
    path("lastfm/login/", login, name="lastfm_login"),
    path("lastfm/login/callback/", callback, name="lastfm_callback"),
]

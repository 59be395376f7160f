"""Addresses: the pages of ``likes``, allauth's for signing in and connecting, the admin."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

admin.site.site_header = "Narada"
admin.site.site_title = "Narada"
admin.site.index_title = "Everything that Narada stores"

urlpatterns = [
    # Its own page of connections knows nothing of what a disconnect has to delete.
    path("accounts/3rdparty/", RedirectView.as_view(pattern_name="connections")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("likes.urls")),
]

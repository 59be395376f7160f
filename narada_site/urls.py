"""Addresses: the pages of ``likes``, allauth's for signing in and connecting, the admin."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

# Without this import a web process would queue its tasks with Celery's defaults, not our settings.
from narada_site.celery import app as celery_app

admin.site.site_header = "Narada"
admin.site.site_title = "Narada"
admin.site.index_title = "Everything that Narada stores"
# Operators sign in on the same page as everybody, whose limits hold for them too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler500 = "likes.web.middleware.answer_error"

urlpatterns = [
    path("accounts/", include("narada_site.account_urls")),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
    # The admin's pages name no icon, and browsers then ask for this one.
    path("favicon.ico", RedirectView.as_view(url=static("likes/icon.svg"))),
    path("", include("likes.web.urls")),
]

__all__ = ["celery_app", "urlpatterns"]

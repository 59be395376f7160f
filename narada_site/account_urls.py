"""allauth's pages, each chosen: what needs e-mail is there only where e-mail is set up.

Left out for good: signing in by a mailed code, which no setting switches on; allauth's page of
connections, in whose place ours stands, as it sees to what a disconnect has to delete; and
addresses of old.
"""

from allauth.account import views
from allauth.socialaccount import views as social
from allauth.urls import build_provider_urlpatterns
from django.conf import settings
from django.urls import path, re_path
from django.views.generic import RedirectView

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("signup/", views.signup, name="account_signup"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", views.password_set, name="account_set_password"),
    path(
        "3rdparty/",
        RedirectView.as_view(pattern_name="connections"),
        name="socialaccount_connections",
    ),
    path("3rdparty/signup/", social.signup, name="socialaccount_signup"),
    path("3rdparty/login/cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("3rdparty/login/error/", social.login_error, name="socialaccount_login_error"),
    *build_provider_urlpatterns(),
]

if settings.EMAIL_URL:
    urlpatterns += [
        path("email/", views.email, name="account_email"),
        path(
            "confirm-email/",
            views.email_verification_sent,
            name="account_email_verification_sent",
        ),
        re_path(
            r"^confirm-email/(?P<key>[-:\w]+)/$", views.confirm_email, name="account_confirm_email"
        ),
        path("password/reset/", views.password_reset, name="account_reset_password"),
        path("password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
        re_path(
            r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
            views.password_reset_from_key,
            name="account_reset_password_from_key",
        ),
        path(
            "password/reset/key/done/",
            views.password_reset_from_key_done,
            name="account_reset_password_from_key_done",
        ),
    ]

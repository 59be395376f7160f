"""A user's settings, their data in one file, and their leaving."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from likes.accounts.leaving import delete_user
from likes.library.writing import export_library
from likes.models import SyncSettings
from likes.web.forms import DeleteAccountForm, SyncSettingsForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    sync, _ = SyncSettings.objects.get_or_create(user=request.user)
    form = SyncSettingsForm(request.POST or None, instance=sync)
    if request.method == "POST" and form.is_valid():
        # Only what the form shows: beat may have set the next time meanwhile.
        SyncSettings.objects.filter(pk=sync.pk).update(**form.cleaned_data)
        messages.success(request, "Your settings are kept.")
        return redirect("settings")
    return render(request, "likes/settings.html", {"form": form})


@login_required
@require_safe
def download(request: HttpRequest) -> StreamingHttpResponse:
    """Everything that Narada has of the user's, as one JSON file."""
    response = StreamingHttpResponse(export_library(request.user), content_type="application/json")
    day = timezone.localdate()
    response["Content-Disposition"] = f'attachment; filename="narada-{day:%Y-%m-%d}.json"'
    return response


@sensitive_post_parameters("proof")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_account(request: HttpRequest) -> HttpResponse:
    """Delete the user and every row that belongs to them, at once."""
    form = DeleteAccountForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user_id = request.user.pk
        logout(request)
        delete_user(user_id)
        messages.success(request, "Your account and everything in it is deleted.")
        return redirect("account_login")
    return render(request, "likes/delete_account.html", {"form": form})

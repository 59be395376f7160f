"""The admin's pages of runs, connections, readings and holds."""

from __future__ import annotations

from typing import Any

# Imported so that allauth's own pages are there to be replaced: this app comes first.
import allauth.socialaccount.admin  # noqa: F401
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.shortcuts import redirect

from likes.accounts import holds
from likes.accounts.app_clients import is_only_sign_in
from likes.admin.base import StoredAdmin, link_to
from likes.admin.bounds import FoundExactly, StartedBy, find_changes
from likes.admin.deletion import DeletedRun
from likes.admin.filters import WrongConnection, WrongRun
from likes.models import (
    BulkAcceptance,
    Checkpoint,
    Connection,
    ListedTrack,
    ListedTrackKey,
    Run,
    RunChange,
    ServiceHold,
    SyncSettings,
    TrackKey,
)
from likes.runs.history import tell_counts

# Tokens are nobody's business, and the apps' secrets are settings.
admin.site.unregister([SocialToken, SocialApp, SocialAccount])


@admin.register(Run)
class RunAdmin(DeletedRun, StoredAdmin):
    list_display = ("__str__", "owner", "state", "started_by", "sentence", "message")
    list_filter = (WrongRun, "kind", "state", StartedBy, "started_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "message")
    ordering = ("-pk",)

    @admin.display(description="counts")
    def sentence(self, run: Run) -> str:
        return tell_counts(run.counts)


@admin.register(RunChange)
class RunChangeAdmin(StoredAdmin):
    list_display = ("__str__", "owner", "run", "was", "at")
    list_filter = ("what", "at")
    list_select_related = ("run__user", "like__track")
    search_fields = ("pk",)
    search_help_text = "The number of a run, or a user's name."

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # What a search finds in the order of its index: newest first, PostgreSQL would walk the
        # table backwards until it meets the first.
        return ("-run_id", "what", "pk") if request.GET.get(SEARCH_VAR) else ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        text = search_term.strip()
        return find_changes(queryset, text) if text else queryset, False

    @admin.display(description="user", ordering="run__user__username")
    def owner(self, change: RunChange) -> str:
        return link_to(change.run.user)


@admin.register(BulkAcceptance)
class BulkAcceptanceAdmin(StoredAdmin):
    list_display = ("__str__", "owner", "was", "at")
    list_select_related = ("user", "mapping")
    ordering = ("-pk",)


@admin.register(Connection)
class ConnectionAdmin(StoredAdmin):
    list_display = ("__str__", "owner", "service", "state", "reason", "authorized_at", "purge_at")
    list_filter = (WrongConnection, "service", "state")
    list_select_related = ("user",)
    search_fields = ("user__username", "reason")


@admin.register(Checkpoint)
class CheckpointAdmin(StoredAdmin):
    list_display = ("__str__", "owner", "position", "total", "complete", "last_success_at",
                    "last_error")  # fmt: skip
    list_filter = ("listing", "complete")
    list_select_related = ("user",)
    search_fields = ("user__username", "last_error")


@admin.register(ServiceHold)
class ServiceHoldAdmin(StoredAdmin):
    list_display = ("__str__", "held_until", "closed", "reason", "times", "updated_at")
    actions = ("reopen",)

    @admin.action(description="Let everybody in again", permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: QuerySet) -> None:
        opened = sum(holds.reopen(service) for service in queryset.values_list("pk", flat=True))
        self.message_user(request, f"{opened} opened again.")


@admin.register(SyncSettings)
class SyncSettingsAdmin(StoredAdmin):
    list_display = ("__str__", "enabled", "on_unlike", "on_unknown", "next_sync_at")
    list_filter = ("enabled", "on_unlike")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    editable = ("enabled", "on_unlike", "on_unknown", "next_sync_at")


@admin.register(ListedTrack)
class ListedTrackAdmin(FoundExactly, StoredAdmin):
    list_display = ("__str__", "owner", "listing", "playcount", "loved_at")
    list_filter = ("listing", "loved_at")
    list_select_related = ("user",)
    search_help_text = "user:NAME and a part of the artist or title, or the number of a row."

    def find_text(self, queryset: QuerySet, text: str) -> QuerySet:
        return queryset.filter(Q(artist__icontains=text) | Q(title__icontains=text))


class KeyAdmin(FoundExactly, StoredAdmin):
    list_display = ("key", "owner")
    list_select_related = ("user",)

    def find_text(self, queryset: QuerySet, text: str) -> QuerySet:
        return queryset.filter(key=text)


@admin.register(TrackKey)
class TrackKeyAdmin(KeyAdmin):
    search_help_text = "user:NAME and a whole key, or the number of a track."
    number_field = "track"


@admin.register(ListedTrackKey)
class ListedTrackKeyAdmin(KeyAdmin):
    search_help_text = "user:NAME and a whole key, or the number of a listed track."
    number_field = "listed"


@admin.register(SocialAccount)
class SocialAccountAdmin(StoredAdmin):
    list_display = ("uid", "owner", "provider", "last_login", "date_joined")
    list_filter = ("provider",)
    list_select_related = ("user",)
    search_fields = ("uid", "user__username")
    exclude = ("extra_data",)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Refuse to delete the only way in that a user has; deleting the user is another page."""
        account = self.get_object(request, object_id)
        if account is not None and is_only_sign_in(account.user, account.provider):
            self.message_user(
                request,
                f"{account.user} signs in with this account only. Set a password for them first.",
                messages.ERROR,
            )
            return redirect("admin:socialaccount_socialaccount_change", account.pk)
        return super().delete_view(request, object_id, extra_context)

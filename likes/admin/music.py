"""The admin over all that Narada stores: to find what is wrong, see why, and decide.

Rows that a sync writes are shown, not edited; a decision is made through ``review``, as in the
pages. No token and no secret is shown anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Imported so that allauth's own pages are there to be replaced: this app comes first.
import allauth.socialaccount.admin  # noqa: F401
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from likes import review
from likes.accounts import holds
from likes.accounts.app_clients import is_only_sign_in
from likes.admin.bounds import BoundedAdmin, FoundExactly, StartedBy, find_changes, split_users
from likes.admin.deletion import DeletedRun
from likes.admin.filters import WrongConnection, WrongLike, WrongMapping, WrongRun, WrongTrack
from likes.models import (
    BulkAcceptance,
    Checkpoint,
    Connection,
    Like,
    ListedTrack,
    ListedTrackKey,
    Run,
    RunChange,
    Service,
    ServiceHold,
    ServiceMapping,
    SyncSettings,
    Track,
    TrackKey,
)
from likes.models.search import search_tracks
from likes.runs.history import tell_counts
from likes.templatetags.narada import length, say_verdict
from likes.web.forms import LinkForm, MappingForm

# Tokens are nobody's business, and the apps' secrets are settings.
admin.site.unregister([SocialToken, SocialApp, SocialAccount])


def link_to(row: Model | None, text: str = "") -> str | SafeString:
    """Return a link to the admin's page of a row."""
    if row is None:
        return ""
    meta = row._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, text or str(row))


def write_evidence(evidence: list[dict[str, str]]) -> str | SafeString:
    """Write evidence field by field, as the matcher gave it."""
    signs = {"agrees": "✓", "doubt": "?", "differs": "✗"}
    rows = [
        (signs.get(piece.get("kind", ""), "·"), piece.get("kind", ""), piece.get("field", ""),
         piece.get("text", ""))
        for piece in evidence
        if isinstance(piece, dict)
    ]  # fmt: skip
    row = "<tr><td>{} {}</td><td>{}</td><td>{}</td></tr>"
    return format_html("<table>{}</table>", format_html_join("", row, rows)) if rows else "none"


class StoredAdmin(BoundedAdmin):
    """Rows that Narada writes: to be looked at and found, not to be made or edited here."""

    list_per_page = 50
    editable: tuple[str, ...] = ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        hidden = {*self.editable, *(self.exclude or ())}
        own = [field.name for field in self.model._meta.fields if field.name not in hidden]
        return [*own, *self.readonly_fields]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.display(description="user", ordering="user__username")
    def owner(self, row: Any) -> str:
        return link_to(row.user)


class FoundByTrack(StoredAdmin):
    """Rows of a track, found by its words; "user:NAME" among them keeps one user's."""

    search_fields = ("pk",)
    search_help_text = "Words of the title, artist or album; user:NAME for one user’s."
    track_path = "track__"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        users, text = split_users(search_term)
        for name in users:
            queryset = queryset.filter(user__username=name)
        return search_tracks(queryset, text, self.track_path), False


class LinkedByName(FoundByTrack):
    """Rows of a track whose page on Last.fm an operator can name, below what else is decided."""

    decisions: tuple[str, ...] = ("artist", "name", "sure")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        facts = [field for field in self.get_readonly_fields(request, obj) if field != "evidence"]
        decide = ("Decide", {"fields": self.decisions})
        on_lastfm = obj is not None and obj.service == Service.LASTFM
        return [*([decide] if on_lastfm else []), ("What is known", {"fields": facts})]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        try:
            if given.get("artist"):
                linked = review.choose_name(obj.track, given["artist"], given["name"], request.user)
                self.message_user(request, format_html("Linked to {}.", link_to(linked)))
            elif given.get("decide"):
                {"accept": review.accept, "reject": review.reject}[given["decide"]](
                    obj, request.user
                )
        except review.NotPossible as reason:
            self.message_user(request, f"Nothing was changed: {reason}.", messages.ERROR)


def make_decision(
    name: str, description: str, decide: Callable[[Any, Any], object]
) -> Callable[..., None]:
    """Make an admin action that decides on each row ticked and reports what became of them."""

    @admin.action(description=description, permissions=["change"])
    def action(model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet) -> None:
        rows = queryset.select_related("track")
        if decide is review.accept_best:
            outcome = review.accept_best_of_many(rows, request.user)
        else:
            outcome = review.decide_many(decide, rows, request.user)
        level = messages.WARNING if outcome.skipped else messages.SUCCESS
        model_admin.message_user(request, f"{description}: {outcome}.", level)

    action.__name__ = name
    return action


class LikeInline(admin.TabularInline):
    model = Like
    fields = readonly_fields = (
        "service", "state", "liked_at", "sent_at", "confirmed_at", "attempts", "last_error",
    )  # fmt: skip
    extra = max_num = 0
    can_delete = False
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("track")


class MappingInline(LikeInline):
    model = ServiceMapping
    fields = readonly_fields = ("service", "title", "decision", "decided_by", "rule", "score")


@admin.register(Track)
class TrackAdmin(FoundByTrack):
    list_display = ("__str__", "owner", "album", "seconds", "isrc", "on_lastfm")
    list_filter = (WrongTrack, "explicit", "created_at")
    list_select_related = ("user",)
    ordering = ("-pk",)
    inlines = (LikeInline, MappingInline)
    track_path = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        state = Like.objects.on(Service.LASTFM).filter(track=OuterRef("pk")).values("state")
        return super().get_queryset(request).annotate(lastfm_state=Subquery(state))

    @admin.display(description="length", ordering="duration_ms")
    def seconds(self, track: Track) -> str:
        return length(track.duration_ms)

    @admin.display(description="on Last.fm", ordering="lastfm_state")
    def on_lastfm(self, track: Any) -> str:
        return Like.State(track.lastfm_state).label if track.lastfm_state else "–"


@admin.register(Like)
class LikeAdmin(LinkedByName):
    form = LinkForm
    list_display = ("song", "owner", "service", "state", "liked_at", "sent_at", "last_error")
    list_filter = (WrongLike, "service", "state", "source", "liked_at")
    list_select_related = ("track", "user")
    readonly_fields = ("track_page", "pages")
    actions = (
        make_decision("accept_best", "Accept the likeliest candidate", review.accept_best),
        make_decision("reject_all", "Reject all candidates", review.reject_all),
        make_decision("love_anyway", "Love what Last.fm does not know", review.love_anyway),
        make_decision("exclude", "Not wanted on Last.fm", review.exclude),
        make_decision("reopen", "Try again", review.reopen),
    )

    @admin.display(description="song", ordering="track__title")
    def song(self, like: Like) -> str:
        return str(like.track)

    @admin.display(description="track")
    def track_page(self, like: Like) -> str:
        return link_to(like.track)

    @admin.display(description="pages there")
    def pages(self, like: Like) -> str:
        found = ServiceMapping.objects.on(like.service).filter(track=like.track_id)
        return format_html_join("", "<p>{}</p>", ((link_to(page),) for page in found)) or "none"


@admin.register(ServiceMapping)
class ServiceMappingAdmin(LinkedByName):
    form = MappingForm
    decisions = ("decide", "artist", "name", "sure")
    list_display = ("names", "track_page", "owner", "service", "decided", "rule", "judged")
    list_filter = (WrongMapping, "service", "decision", "decided_by", "rule", "listed", "source")
    list_select_related = ("track", "user")
    readonly_fields = ("track_page", "evidence_told")
    actions = (
        make_decision("accept", "This is it", review.accept),
        make_decision("reject", "This is not it", review.reject),
    )

    @admin.display(description="item", ordering="title")
    def names(self, mapping: ServiceMapping) -> str:
        return f"{', '.join(mapping.artists)} – {mapping.title}"

    @admin.display(description="track")
    def track_page(self, mapping: ServiceMapping) -> str:
        return link_to(mapping.track)

    @admin.display(description="decision", ordering="decision")
    def decided(self, mapping: ServiceMapping) -> str:
        return f"{mapping.get_decision_display()} ({mapping.get_decided_by_display()})"

    @admin.display(description="the matcher says", ordering="score")
    def judged(self, mapping: ServiceMapping) -> str:
        return say_verdict(mapping.verdict)

    @admin.display(description="evidence")
    def evidence_told(self, mapping: ServiceMapping) -> str:
        return write_evidence(mapping.evidence)


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

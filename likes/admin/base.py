"""What the pages of the admin share: rows that are looked at, found and decided on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import allauth.socialaccount.admin  # noqa: F401
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from likes import review
from likes.admin.bounds import BoundedAdmin, keep_users, split_users
from likes.models import Service
from likes.models.search import search_tracks


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
        return search_tracks(keep_users(queryset, users), text, self.track_path), False


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

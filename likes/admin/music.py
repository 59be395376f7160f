"""The admin's pages of tracks, likes and mappings: to find what is wrong, see why, and decide."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html_join

from likes import review
from likes.admin.base import FoundByTrack, LinkedByName, link_to, make_decision, write_evidence
from likes.admin.filters import WrongLike, WrongMapping, WrongTrack
from likes.admin.forms import LinkForm, MappingForm
from likes.models import Like, Service, ServiceMapping, Track
from likes.templatetags.narada import length, say_verdict


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

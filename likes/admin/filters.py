"""The admin's filters for what is wrong: each a table of questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from likes.like_operations import OPEN
from likes.models import Connection, Like, Service, ServiceMapping


class WhatIsWrong(admin.SimpleListFilter):
    """What a person should look at."""

    title = "what is wrong"
    parameter_name = "wrong"
    tests: dict[str, tuple[str, Callable[[], Q]]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in self.tests.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = self.tests.get(self.value() or "")
        return queryset.filter(chosen[1]()) if chosen else queryset


class WrongLike(WhatIsWrong):
    tests = {
        "person": ("needs a person", lambda: Q(state__in=OPEN)),
        "again": ("failed and tried again", lambda: Q(state=Like.State.PENDING, attempts__gt=0)),
        "flight": ("left in flight", lambda: Q(state=Like.State.SENDING)),
        "unshown": (
            "sent, not seen in the service’s list",
            lambda: Q(state=Like.State.PRESENT, sent_at__isnull=False, confirmed_at=None),
        ),
        "error": ("has an error", lambda: ~Q(last_error="")),
    }


class WrongMapping(WhatIsWrong):
    tests = {
        "candidate": ("not decided", lambda: Q(decision=ServiceMapping.Decision.CANDIDATE)),
        "unsure": (
            "accepted by a rule below 95 %",
            lambda: Q(decision="accepted", decided_by="rule", score__lt=0.95),
        ),
        "withdraw": ("a love to be taken back", lambda: Q(withdraw=True)),
    }


class WrongTrack(WhatIsWrong):
    tests = {
        "isrc": ("no ISRC", lambda: Q(isrc="")),
        "names": ("no artist or title", lambda: Q(title="") | Q(artists=[])),
        "person": (
            "needs a person on Last.fm",
            lambda: Q(likes__service=Service.LASTFM, likes__state__in=OPEN),
        ),
    }


class WrongRun(WhatIsWrong):
    tests = {
        "ended": ("did not end well", lambda: Q(state__in=["stopped", "failed"])),
        "message": ("has a message", lambda: ~Q(message="")),
    }


class WrongConnection(WhatIsWrong):
    tests = {
        "reconnect": ("to be connected again", lambda: Q(state=Connection.State.RECONNECT)),
        "purge": ("waits to be purged", lambda: Q(purge_at__isnull=False)),
        "overdue": ("overdue to be purged", lambda: Q(purge_at__lt=timezone.now())),
    }

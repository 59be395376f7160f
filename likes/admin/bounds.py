"""Lists of the admin over tables of any size: counted so far only, and found by an index."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from likes.models import Run, RunChange
from likes.models.batches import count_up_to

#: Of more rows than these a list says that there are more: to count them all would read them.
MOST_COUNTED = 1_000
#: A user's last runs, among whose changes a search looks.
MOST_RUNS = 1_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of the first rows of a list; searches and filters find the others."""

    has_more = False

    @cached_property
    def count(self) -> int:
        found = count_up_to(self.object_list.values("pk"), MOST_COUNTED)  # type: ignore[union-attr]
        self.has_more = found > MOST_COUNTED
        return min(found, MOST_COUNTED)


class BoundedChangeList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.paginator.has_more:
            # No number beside the search field: the list says below that there are more.
            self.full_result_count = self.result_count


class BoundedAdmin(admin.ModelAdmin):
    """A list that reads no more rows than it shows, and counts so far only."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return BoundedChangeList


class StartedBy(admin.SimpleListFilter):
    """Who started a run. Django's own filter would read all runs to list these."""

    title = "started by"
    parameter_name = "started_by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in ("command", "schedule", "button")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(started_by=self.value()) if self.value() else queryset


def split_users(text: str) -> tuple[list[str], str]:
    """Split a search into the names after "user:" and the rest."""
    words = text.split()
    users = [word.removeprefix("user:") for word in words if word.startswith("user:")]
    return users, " ".join(word for word in words if not word.startswith("user:"))


def keep_users(rows: QuerySet, names: list[str]) -> QuerySet:
    """Keep the rows of the user who has each of the names. With the user's number PostgreSQL knows
    how many rows that are, and so whether an index of words helps."""
    for name in names:
        pk = User.objects.filter(username=name).values_list("pk", flat=True).first()
        rows = rows.filter(user=pk) if pk is not None else rows.none()
    return rows


class FoundExactly(admin.ModelAdmin):
    """Rows of a table without an index of words: those of a user, or of one number."""

    search_fields = ("pk",)
    #: The field in which a number is looked for.
    number_field = "pk"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        users, text = split_users(search_term)
        queryset = keep_users(queryset, users)
        if not text:
            return queryset, False
        if users:
            return self.find_text(queryset, text), False
        if text.isdecimal() and len(text) <= 18:
            return queryset.filter(**{self.number_field: int(text)}), False
        self.message_user(request, f"Found by: {self.search_help_text}", messages.WARNING)
        return queryset.none(), False

    def find_text(self, queryset: QuerySet, text: str) -> QuerySet:
        raise NotImplementedError


def find_changes(changes: QuerySet[RunChange], text: str) -> QuerySet[RunChange]:
    """Keep the changes of a run of that number, or of the last runs of a user of that name."""
    if text.isdecimal() and len(text) <= 18:
        return changes.filter(run=int(text))
    runs = Run.objects.filter(user__username=text.removeprefix("user:")).order_by("-started_at")
    return changes.filter(run__in=list(runs.values_list("pk", flat=True)[:MOST_RUNS]))

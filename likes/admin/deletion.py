"""Delete in the admin a row on which very many depend: they are not listed before, nor loaded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from likes.accounts.leaving import delete_all, delete_user
from likes.models import Run

Summary = tuple[list[str], dict[str, int], set[str], list[str]]


class DeletedWithMany(admin.ModelAdmin):
    """Rows that are deleted in batches, with ``what_goes``."""

    what_goes = ""

    def delete_deeply(self, row: Any) -> None:
        raise NotImplementedError

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Summary:
        rows: Iterable[Model] = list(objs)
        told = [f"{row}, with {self.what_goes}" for row in rows]
        return told, {str(self.opts.verbose_name_plural): len(told)}, set(), []

    # Without the transaction around all of it that Django's own has.
    @method_decorator(csrf_protect)
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_deeply(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            self.delete_deeply(row)


class DeletedRun(DeletedWithMany):
    what_goes = "the list of the changes it made; the likes stay as they are"

    def delete_deeply(self, row: Run) -> None:
        delete_all(row.changes.all())
        row.delete()


admin.site.unregister(User)


@admin.register(User)
class LeavingUserAdmin(DeletedWithMany, UserAdmin):
    what_goes = "all their tracks, likes, decisions, runs, connections and settings"

    def delete_deeply(self, row: User) -> None:
        delete_user(row.pk)

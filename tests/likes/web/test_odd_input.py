"""Rubbish for every parameter of every address gives 400, 404 or a page, and never 500."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from likes.models import Connection, ListedTrack, Run, ServiceHold, SyncSettings

pytestmark = pytest.mark.django_db

#: Percent-encoded, as a browser or a tool would send it.
RUBBISH = [
    "", "x", "-1", "0", "1.5", "nan", "%00", "%FF%FE", "%ED%A0%80", "%F0%9F%8E%B5", "%0D%0Aa:b",
    "9" * 18, "9" * 19, "9" * 40, "9" * 5000, "x" * 20_000, "%E2%80%AE", "..%2F..",
    "//evil.example", "0001-01-01T00:00:00%2B14:00~1", "9999-12-31T23:59:59-14:00~1",
    "2024-05-01T12:00:00~1", "~1", "2024-05-01T12:00:00Z~" + "9" * 18, "%5B%5D",
    "%7B%22a%22:1%7D", "'%22;--", "1,2", "None",
]  # fmt: skip
#: What the pages read from an address or a form.
NAMES = [
    "q", "state", "reason", "after", "next", "until", "sync", "from", "scope", "case", "decision",
    "artist", "title", "enabled", "on_unlike", "proof", "purge_now", "process", "code", "error",
    "token", "login", "password", "username", "password1", "password2", "oldpassword",
]  # fmt: skip
#: What the admin's lists read beside their filters.
ADMIN_NAMES = ["q", "p", "o", "e", "all", "_popup", "_to_field", "_changelist_filters", "wrong"]


def list_routes(resolver: Any = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in (resolver or get_resolver()).url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from list_routes(entry, route)
        else:
            yield route, entry


def fill(pattern: URLPattern, route: str, value: str) -> str:
    """Return an address of the route with one text in the place of each of its parameters."""
    address = re.sub(r"<[^>]*>", lambda _: value, re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", route))
    return "/" + address.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\", "")


@pytest.fixture
def visitor(ada: User, like_song: Any, add_page: Any) -> Client:
    """An operator, with a row of everything."""
    ada.is_staff = ada.is_superuser = True
    ada.save()
    like = like_song(ada, last_error="titles differ")
    add_page(like, "Hey Jude (Live)")
    Run.objects.create(user=ada, kind="import")
    SyncSettings.objects.create(user=ada)
    Connection.objects.create(user=ada, service="lastfm", authorized_at=timezone.now())
    ListedTrack.objects.create(user=ada, listing="loved", artist="A", title="B", key="a b")
    ServiceHold.objects.create(service="spotify", closed=True)
    every = IntervalSchedule.objects.create(every=1, period="days")
    PeriodicTask.objects.create(name="x", task="y", interval=every)
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    return client


def list_pages() -> list[str]:
    """Return every address once, but that of signing out, with 1 for each of its parameters."""
    pages = {fill(pattern, route, "1") for route, pattern in list_routes()}
    return sorted(pages - {"/accounts/logout/", "/admin/logout/"})


def is_fine(response: Any) -> bool:
    return response.status_code < 500


def walk(client: Client, addresses: list[str], method: str = "get", **data: Any) -> list[str]:
    """Return the addresses that were answered with an error of ours."""
    send = getattr(client, method)
    return [address[:200] for address in addresses if not is_fine(send(address, **data))]


@pytest.mark.slow
def test_rubbish_in_the_path(visitor: Client) -> None:
    addresses = [
        fill(pattern, route, value)
        for route, pattern in list_routes()
        if "<" in route
        for value in RUBBISH
    ]
    wrong = walk(visitor, addresses) + walk(visitor, addresses, "post")
    assert wrong == []


@pytest.mark.slow
def test_rubbish_in_the_query(visitor: Client) -> None:
    addresses = [f"{page}?{'&'.join(f'{name}={value}' for name in NAMES)}"
                 for page in list_pages() for value in RUBBISH]  # fmt: skip
    addresses += [f"{page}={value}" for value in RUBBISH
                  for page in ("/likes/?after", "/review/?after", "/progress/?until")]  # fmt: skip
    assert walk(visitor, addresses) == []


@pytest.mark.slow
def test_rubbish_in_a_form(visitor: Client) -> None:
    form = "application/x-www-form-urlencoded"
    wrong = []
    for value in RUBBISH:
        body = "&".join(f"{name}={value}" for name in [*NAMES, "csrfmiddlewaretoken"])
        wrong += walk(visitor, list_pages(), "post", data=body, content_type=form)
    assert wrong == []


# Django's admin takes a date in an address for one of the server's zone, and warns of it.
@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime:RuntimeWarning")
@pytest.mark.slow
def test_rubbish_in_the_filters_of_the_admin(visitor: Client) -> None:
    values = ["x", "9" * 40, "0001-01-01"]
    addresses = []
    for model, model_admin in admin.site._registry.items():
        page = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        filters = {name for name in model_admin.list_filter if isinstance(name, str)}
        names = [*ADMIN_NAMES, "nonsense", "user__password"]
        names += [f"{name}{end}" for name in sorted({"id", *filters})
                  for end in ("", "__exact", "__gte", "__in", "__isnull", "__year")]  # fmt: skip
        if dates := model_admin.date_hierarchy:
            names += [f"{dates}__{part}" for part in ("year", "month", "day")]
            addresses.append(f"{page}?{dates}__year=2024&{dates}__month=13")
            addresses.append(f"{page}?{dates}__year=2024&{dates}__month=2&{dates}__day=31")
        addresses += [f"{page}?{name}={value}" for name in names for value in values]
    assert walk(visitor, addresses) == []


@pytest.mark.slow
@pytest.mark.parametrize("method", ["put", "patch", "delete", "head", "options"])
def test_wrong_methods(visitor: Client, method: str) -> None:
    assert walk(visitor, list_pages(), method) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe\0", "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"a=b", "multipart/form-data"),
        (b"a=\xc3\xa9", "application/x-www-form-urlencoded; charset=latin-1"),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded"),
        (b"", "nonsense"),
    ],
)
def test_wrong_bodies(visitor: Client, body: bytes, kind: str) -> None:
    assert walk(visitor, list_pages(), "post", data=body, content_type=kind) == []

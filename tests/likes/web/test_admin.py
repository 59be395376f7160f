"""The admin: every model, at a steady cost, without secrets, deciding through ``review``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from likes.models import (
    Checkpoint,
    Connection,
    Like,
    ListedTrack,
    ListedTrackKey,
    Run,
    Service,
    ServiceHold,
    ServiceMapping,
    SyncSettings,
    Track,
    TrackKey,
)

pytestmark = pytest.mark.django_db

State = Like.State
MODELS = list(apps.get_app_config("likes").get_models())


@pytest.fixture
def operator(admin_user: User) -> Client:
    client = Client()
    client.force_login(admin_user)
    return client


def list_url(model: Any) -> str:
    return reverse(f"admin:likes_{model._meta.model_name}_changelist")


def change_url(row: Any) -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def act(client: Client, model: Any, action: str, *rows: Any) -> Any:
    form = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(list_url(model), form, follow=True)


@pytest.fixture
def fill(like_song: Any, add_page: Any) -> Callable[[int], None]:
    """A function that adds one row, of a user of their own, to every table."""

    def add(number: int) -> None:
        user = User.objects.create(username=f"user{number}")
        like = like_song(user, State.REVIEW, days=number)
        add_page(like, "Hey Jude (Live)")
        TrackKey.objects.create(track=like.track, user=user, key="beatles|hey jude")
        listed = ListedTrack.objects.create(
            user=user, listing="loved", key="k", artist="The Beatles", title="Hey Jude"
        )
        ListedTrackKey.objects.create(listed=listed, user=user, key="beatles|hey jude")
        Run.objects.create(user=user, kind="import", counts={"seen": 3})
        Checkpoint.objects.create(user=user, listing="saved")
        SyncSettings.objects.create(user=user)
        account = SocialAccount.objects.create(user=user, provider="lastfm", uid=f"user{number}")
        Connection.objects.create(user=user, service=Service.LASTFM, account=account)

    return add


def test_admin_has_every_model() -> None:
    assert set(MODELS) <= set(admin.site._registry)


def test_admin_has_neither_tokens_nor_secrets() -> None:
    assert not {SocialToken, SocialApp} & set(admin.site._registry)


@pytest.mark.parametrize("model", [*MODELS, SocialAccount])
def test_admin_list_costs_as_many_queries_for_30_rows_as_for_one(
    operator: Client, fill: Callable[[int], None], model: Any
) -> None:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    fill(1)
    operator.get(address)
    with CaptureQueriesContext(connection) as with_one:
        assert operator.get(address).status_code == 200
    for number in range(2, 31):
        fill(number)
    with CaptureQueriesContext(connection) as with_many:
        assert operator.get(address).status_code == 200
    # A date hierarchy asks once more when the rows span more than a day or a month.
    assert len(with_many) <= len(with_one) + 1
    assert len(with_many) <= 14


@pytest.mark.parametrize("model", [*MODELS, SocialAccount])
def test_admin_shows_each_row(operator: Client, fill: Callable[[int], None], model: Any) -> None:
    fill(1)
    ServiceHold.objects.create(service=Service.LASTFM, held_until=timezone.now())
    for row in model.objects.all():
        assert operator.get(change_url(row)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_admin_is_for_staff(as_ada: Client, model: Any) -> None:
    assert as_ada.get(list_url(model)).status_code == 302


def test_admin_shows_no_token(operator: Client, fill: Callable[[int], None]) -> None:
    fill(1)
    account = SocialAccount.objects.get()
    account.extra_data = {"name": "user1", "key": "a-session-key"}
    account.save()
    SocialToken.objects.create(account=account, token="a-session-key", token_secret="a-secret")
    pages = [change_url(account), change_url(Connection.objects.get()), list_url(Connection)]
    for address in pages:
        page = operator.get(address).text
        assert "a-session-key" not in page
        assert "a-secret" not in page


def test_evidence_reads_field_by_field(
    operator: Client, ada: User, like_song: Any, add_page: Any
) -> None:
    page = operator.get(change_url(add_page(like_song(ada), "Hey Jude (Live)"))).text
    assert "<td>? doubt</td><td>version</td><td>&#x27;Live&#x27; only on one side</td>" in page


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jude", {"ada", "bob"}),
        ("user:bob", {"bob"}),
        ("user:ada beatles", {"ada"}),
        ("user:ada stones", set()),
    ],
)
@pytest.mark.parametrize("model", [Track, Like, ServiceMapping])
def test_admin_finds_by_words_and_user(
    operator: Client, ada: User, bob: User, like_song: Any, model: Any, text: str, found: set[str]
) -> None:
    for user in (ada, bob):
        like_song(user)
    rows = operator.get(list_url(model), {"q": text}).context["cl"].queryset
    assert {row.user.username for row in rows} == found


@pytest.mark.parametrize(
    ("wrong", "number"), [("person", 1), ("again", 1), ("flight", 1), ("unshown", 1), ("error", 2)]
)
def test_admin_filters_likes_by_what_is_wrong(
    operator: Client, ada: User, like_song: Any, wrong: str, number: int
) -> None:
    like_song(ada, State.REVIEW, last_error="ambiguous")
    like_song(ada, State.PENDING, attempts=2, last_error="timeout")
    like_song(ada, State.SENDING)
    like_song(ada, State.PRESENT, sent_at=timezone.now())
    like_song(ada, State.PRESENT, sent_at=timezone.now(), confirmed_at=timezone.now())
    rows = operator.get(list_url(Like), {"wrong": wrong}).context["cl"].queryset
    assert rows.count() == number


@pytest.mark.parametrize(
    ("model", "filters"),
    [
        (Track, ["isrc", "names", "person"]),
        (ServiceMapping, ["candidate", "unsure", "withdraw"]),
        (Run, ["ended", "message"]),
        (Connection, ["reconnect", "purge", "overdue"]),
    ],
)
def test_admin_filters_for_what_is_wrong(
    operator: Client, fill: Callable[[int], None], model: Any, filters: list[str]
) -> None:
    fill(1)
    Run.objects.update(state="failed", message="no")
    Connection.objects.update(state="reconnect", purge_at=timezone.now() - timedelta(days=1))
    Track.objects.update(isrc="", title="")
    ServiceMapping.objects.update(withdraw=True, score=0.5)
    ServiceMapping.objects.filter(service="spotify").update(withdraw=False)
    for wrong in filters:
        rows = operator.get(list_url(model), {"wrong": wrong}).context["cl"].queryset
        assert rows.count() == 1, wrong


def test_action_accepts_and_says_what_was_skipped(
    operator: Client, ada: User, like_song: Any, add_page: Any
) -> None:
    like = like_song(ada)
    page = add_page(like, "Hey Jude (Mono)")
    on_spotify = ServiceMapping.objects.get(service=Service.SPOTIFY)

    response = act(operator, ServiceMapping, "accept", page, on_spotify)

    like.refresh_from_db()
    page.refresh_from_db()
    assert (page.decision, page.decided_by, like.state) == ("accepted", "person", State.PENDING)
    assert "This is it: 1 changed, 1 skipped (1: only a Last.fm page" in response.text


def test_action_rejects(operator: Client, ada: User, like_song: Any, add_page: Any) -> None:
    like = like_song(ada)
    page = add_page(like, "Hey Jude (Live)")
    act(operator, ServiceMapping, "reject", page)
    like.refresh_from_db()
    page.refresh_from_db()
    assert (page.decision, page.decided_by, like.state) == ("rejected", "person", State.NOT_FOUND)


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("accept_best", State.PENDING),
        ("reject_all", State.NOT_FOUND),
        ("exclude", State.EXCLUDED),
        ("reopen", State.PENDING),
    ],
)
def test_actions_decide_on_likes(
    operator: Client, ada: User, like_song: Any, add_page: Any, action: str, state: State
) -> None:
    like = like_song(ada)
    add_page(like, "Hey Jude (Live)")
    response = act(operator, Like, action, like)
    like.refresh_from_db()
    assert like.state == state
    assert "1 changed" in response.text


def test_mapping_is_linked_to_another_page(
    operator: Client, ada: User, like_song: Any, add_page: Any
) -> None:
    like = like_song(ada, State.PRESENT, sent_at=timezone.now())
    wrong = add_page(like, "Hey Jude (Live)", "accepted")

    form = {"decide": "", "artist": "Beatles", "name": "Hey Jude"}
    response = operator.post(change_url(wrong), form, follow=True)

    assert response.status_code == 200
    linked = ServiceMapping.objects.get(decision="accepted", service=Service.LASTFM)
    assert (linked.artists, linked.title, linked.decided_by) == (["Beatles"], "Hey Jude", "person")
    wrong.refresh_from_db()
    like.refresh_from_db()
    assert (wrong.decision, wrong.withdraw, like.state) == ("candidate", True, State.PENDING)


def test_like_that_was_not_found_is_linked_to_a_page(
    operator: Client, ada: User, like_song: Any
) -> None:
    like = like_song(ada, State.NOT_FOUND)
    assert "Artist on Last.fm" in operator.get(change_url(like)).text
    operator.post(change_url(like), {"artist": "Beatles", "name": "Hey Jude"}, follow=True)
    linked = ServiceMapping.objects.get(service=Service.LASTFM)
    like.refresh_from_db()
    assert (linked.decision, linked.decided_by, like.state) == ("accepted", "person", "pending")
    narada = Like.objects.on(Service.NARADA).get()
    assert "Artist on Last.fm" not in operator.get(change_url(narada)).text


@pytest.mark.parametrize(
    "form",
    [
        {"decide": "", "artist": "Beatles", "name": ""},
        {"decide": "accept", "artist": "Beatles", "name": "Hey Jude"},
    ],
)
def test_mapping_form_refuses_half_a_name(
    operator: Client, ada: User, like_song: Any, add_page: Any, form: dict[str, str]
) -> None:
    page = add_page(like_song(ada), "Hey Jude (Live)")
    assert operator.post(change_url(page), form).status_code == 200
    page.refresh_from_db()
    assert page.decision == "candidate"


def test_mapping_form_accepts(operator: Client, ada: User, like_song: Any, add_page: Any) -> None:
    page = add_page(like_song(ada), "Hey Jude (Live)")
    operator.post(change_url(page), {"decide": "accept", "artist": "", "name": ""})
    page.refresh_from_db()
    assert (page.decision, page.decided_by) == ("accepted", "person")


def test_hold_is_lifted(operator: Client) -> None:
    until = timezone.now() + timedelta(hours=1)
    hold = ServiceHold.objects.create(service=Service.LASTFM, held_until=until)
    response = act(operator, ServiceHold, "reopen", hold)
    assert not ServiceHold.objects.exists()
    assert "1 opened again" in response.text


def test_operator_can_delete_a_user(operator: Client, fill: Callable[[int], None]) -> None:
    fill(1)
    user = User.objects.get(username="user1")
    response = operator.post(
        reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"}, follow=True
    )
    assert response.status_code == 200
    assert not Track.objects.exists()

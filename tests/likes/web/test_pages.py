"""The pages: what they show, to whom, and at what cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from likes.models import (
    Checkpoint,
    Connection,
    Like,
    Run,
    Service,
    ServiceHold,
    ServiceMapping,
    SyncSettings,
    Track,
)

pytestmark = pytest.mark.django_db

State = Like.State

PAGES = ["home", "progress", "runs", "connections", "likes", "review", "settings", "delete_account"]
#: Every address that takes a POST, with what it is about.
POSTS = [
    ("sync", {}),
    ("agree_to_removals", {"listing": "saved"}),
    ("settings", {}),
    ("delete_account", {}),
    ("decide_on_many", {}),
    ("disconnect", {"service": "spotify"}),
    ("name_page", {"pk": 1}),
    ("decide_on_track", {"pk": 1, "decision": "exclude"}),
    ("decide_on_page", {"pk": 1, "decision": "accept"}),
]


@pytest.mark.parametrize("name", PAGES)
def test_page_is_shown_to_a_newcomer(as_ada: Client, name: str) -> None:
    response = as_ada.get(reverse(name))
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("name", PAGES)
def test_page_sends_strangers_to_sign_in(client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response.url == f"{reverse('account_login')}?next={reverse(name)}"


@pytest.mark.parametrize(("name", "about"), POSTS)
def test_post_sends_strangers_to_sign_in(client: Client, name: str, about: dict[str, Any]) -> None:
    response = client.post(reverse(name, kwargs=about))
    assert response.status_code == 302
    assert response.url.startswith(reverse("account_login"))


@pytest.mark.parametrize(("name", "about"), POSTS)
def test_post_needs_the_token_of_its_form(ada: User, name: str, about: dict[str, Any]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post(reverse(name, kwargs=about)).status_code == 403


@pytest.mark.parametrize(
    ("name", "about"), [row for row in POSTS if row[0] not in ("settings", "delete_account")]
)
def test_nothing_changes_by_being_looked_at(
    as_ada: Client, name: str, about: dict[str, Any]
) -> None:
    assert as_ada.get(reverse(name, kwargs=about)).status_code in (404, 405)


def test_sign_up_leads_to_the_first_page(client: Client) -> None:
    form = {"username": "carol", "password1": "a long enough one", "password2": "a long enough one"}
    response = client.post(reverse("account_signup"), form, follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert "Nothing has run yet" in response.text
    assert SyncSettings.objects.get().user.username == "carol"


@pytest.mark.parametrize("name", ["account_login", "account_signup"])
def test_allauth_pages_look_like_ours(client: Client, name: str) -> None:
    assert "likes/narada.css" in client.get(reverse(name)).text


def test_home_counts_only_my_likes(as_ada: Client, ada: User, bob: User, like_song: Any) -> None:
    for state, number in ((State.PRESENT, 3), (State.PENDING, 2), (State.SENDING, 1)):
        for day in range(number):
            like_song(ada, state, days=day)
    like_song(ada, State.REVIEW)
    like_song(bob, State.PRESENT)

    counts = as_ada.get(reverse("home")).context["counts"]

    assert counts["in_narada"] == 7
    assert [(figure.label, figure.number) for figure in counts["on_lastfm"]] == [
        ("Loved", 3), ("To be sent", 3), ("Needs review", 1), ("Not found", 0),
    ]  # fmt: skip


def test_home_tells_holds_and_reasons(as_ada: Client, ada: User, settings: Any) -> None:
    settings.SPOTIFY_CLIENT_ID = settings.SPOTIFY_CLIENT_SECRET = ""
    settings.LASTFM_API_KEY = settings.LASTFM_API_SECRET = "x"
    ServiceHold.objects.create(
        service=Service.LASTFM, held_until=timezone.now() + timedelta(hours=3), reason="error 29"
    )
    Connection.objects.create(
        user=ada, service=Service.LASTFM, state="reconnect", reason="Invalid session key"
    )

    page = as_ada.get(reverse("home")).text

    assert "Last.fm asks us to hold back" in page
    assert "Invalid session key" in page
    assert "https://developer.spotify.com/dashboard" in page


def test_home_says_when_the_consent_ends(as_ada: Client, ada: User, settings: Any) -> None:
    settings.SPOTIFY_CLIENT_ID = settings.SPOTIFY_CLIENT_SECRET = "x"
    authorized = timezone.now() - timedelta(days=175)
    Connection.objects.create(user=ada, service=Service.SPOTIFY, authorized_at=authorized)
    assert "Your consent at Spotify ends on" in as_ada.get(reverse("home")).text


def test_home_says_when_the_next_sync_is(as_ada: Client, ada: User) -> None:
    sync = SyncSettings.objects.create(user=ada)
    assert "once both services are connected" in as_ada.get(reverse("home")).text
    for service in (Service.SPOTIFY, Service.LASTFM):
        Connection.objects.create(user=ada, service=service)
    assert "within a minute" in as_ada.get(reverse("home")).text
    sync.next_sync_at = timezone.now() + timedelta(hours=1)
    sync.save()
    assert f"{sync.next_sync_at:%H:%M}" in as_ada.get(reverse("home")).text
    sync.enabled = False
    sync.save()
    assert "only when you press" in as_ada.get(reverse("home")).text


def test_home_tells_slices_as_one_run(as_ada: Client, ada: User, bob: User) -> None:
    start = timezone.now() - timedelta(minutes=5)
    for number, state in enumerate(["later", "later", "done"]):
        Run.objects.create(
            user=ada, kind="import", state=state, started_by="button",
            started_at=start + timedelta(seconds=number), ended_at=start,
            counts={"seen": 100, "imported": 90, "complete": False, "total_on_spotify": 300},
        )  # fmt: skip
    Run.objects.create(user=bob, kind="export", state="done", message="Bob's own business")

    response = as_ada.get(reverse("home"))

    assert [(run.sentence, run.state) for run in response.context["runs"]] == [
        ("300 read, 270 new", "done")
    ]
    assert "own business" not in response.text


def test_home_does_not_join_what_stopped_for_a_reason(as_ada: Client, ada: User) -> None:
    for message in ("Last.fm is down.", ""):
        Run.objects.create(user=ada, kind="export", state="later", message=message)
    assert len(as_ada.get(reverse("home")).context["runs"]) == 2


def test_home_tells_a_killed_run_as_interrupted(as_ada: Client, ada: User) -> None:
    Run.objects.create(user=ada, kind="import", started_at=timezone.now() - timedelta(minutes=2))
    assert as_ada.get(reverse("home")).context["runs"][0].state_label == "interrupted"

    Checkpoint.objects.create(
        user=ada, listing="saved", lease_holder="x",
        lease_until=timezone.now() + timedelta(seconds=30),
    )  # fmt: skip
    assert as_ada.get(reverse("home")).context["runs"][0].state_label == "running"


def test_home_says_that_a_cut_run_goes_on_only_for_a_while(as_ada: Client, ada: User) -> None:
    run = Run.objects.create(user=ada, kind="export", state="later", ended_at=timezone.now())
    home = as_ada.get(reverse("home")).context
    assert (home["runs"][0].state_label, home["busy"]) == ("goes on", True)

    # Its next slice never came, as when the worker was stopped.
    run.started_at = run.ended_at = timezone.now() - timedelta(minutes=11)
    run.save()
    home = as_ada.get(reverse("home")).context
    assert (home["runs"][0].state_label, home["busy"]) == ("to go on later", False)


def test_progress_asks_again_soon_while_work_is_under_way(as_ada: Client, ada: User) -> None:
    assert 'hx-trigger="every 20s"' in as_ada.get(reverse("progress")).text
    Checkpoint.objects.create(
        user=ada, listing="saved", lease_holder="x", position=100, total=400,
        lease_until=timezone.now() + timedelta(seconds=30),
    )  # fmt: skip
    page = as_ada.get(reverse("progress")).text
    assert 'hx-trigger="every 2s"' in page
    assert "100 of 400" in page


def test_progress_waits_for_a_worker_after_the_button(as_ada: Client, ada: User) -> None:
    until = int(timezone.now().timestamp()) + 50
    page = as_ada.get(reverse("progress"), {"until": until}).text
    assert "waiting for a worker" in page
    assert 'hx-trigger="every 2s"' in page

    Run.objects.create(user=ada, kind="import", state="done", ended_at=timezone.now())
    assert "waiting for a worker" not in as_ada.get(reverse("progress"), {"until": until}).text


@pytest.mark.parametrize("until", ["", "x", "-1", "99999999999999999999", "0"])
def test_progress_bears_any_query(as_ada: Client, until: str) -> None:
    assert as_ada.get(reverse("progress"), {"until": until}).status_code == 200


def test_sync_now_needs_a_connection(as_ada: Client) -> None:
    response = as_ada.post(reverse("sync"), follow=True)
    assert "Nothing can be synced now" in response.text


def test_sync_now_queues_a_sync(as_ada: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from likes import tasks

    queued: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tasks.sync_user, "delay", lambda *given: queued.append(given))
    Connection.objects.create(user=ada, service=Service.LASTFM)

    response = as_ada.post(reverse("sync"), follow=True)

    assert queued == [(ada.pk, "button")]
    assert "waiting for a worker" in response.text


def test_sync_now_says_when_the_queue_is_dead(
    as_ada: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kombu.exceptions import OperationalError

    from likes import tasks

    def refuse(*_: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.sync_user, "delay", refuse)
    Connection.objects.create(user=ada, service=Service.LASTFM)
    assert "queue does not answer" in as_ada.post(reverse("sync"), follow=True).text


def titles(response: Any) -> list[str]:
    return [like.track.title for like in response.context["page"].rows]


def test_likes_are_listed_newest_first_and_only_mine(
    as_ada: Client, ada: User, bob: User, like_song: Any
) -> None:
    for title, days in (("Old", 0), ("New", 2), ("Between", 1)):
        like_song(ada, title=title, days=days)
    like_song(bob, title="Bob's")
    assert titles(as_ada.get(reverse("likes"))) == ["New", "Between", "Old"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "jude"}, ["Hey Jude"]),
        ({"q": "beatles jude"}, ["Hey Jude"]),
        ({"q": "beatles nothing"}, []),
        ({"q": "björk"}, ["Jóga"]),
        ({"q": "BJÖRK"}, ["Jóga"]),
        ({"q": "jóga"}, ["Jóga"]),
        ({"q": "宇多田"}, ["Automatic"]),
        ({"q": "%"}, []),
        ({"state": "loved"}, ["Jóga"]),
        ({"state": "review", "q": "hey"}, ["Hey Jude"]),
        ({"state": "pending"}, ["Automatic"]),
        ({"state": "gone"}, []),
        ({"state": "no such state"}, ["Hey Jude", "Jóga", "Automatic"]),
    ],
)
def test_likes_are_found(
    as_ada: Client, ada: User, like_song: Any, query: dict[str, str], found: list[str]
) -> None:
    like_song(ada, State.REVIEW, "Hey Jude", days=3)
    like_song(ada, State.PRESENT, "Jóga", artist="Björk", days=2)
    like_song(ada, State.PENDING, "Automatic", artist="宇多田ヒカル", days=1)
    response = as_ada.get(reverse("likes"), query)
    assert titles(response) == found
    assert response.context["total"] == len(found)


def test_likes_page_by_page_show_each_once(as_ada: Client, ada: User) -> None:
    tracks = Track.objects.bulk_create(
        Track(user=ada, title=str(number), artists=["A"]) for number in range(120)
    )
    now = timezone.now()
    # Many share a second, and some have no date at all.
    Like.objects.bulk_create(
        Like(user=ada, track=track, service=Service.NARADA, state=State.PRESENT,
             liked_at=None if number % 5 == 0 else now - timedelta(days=number // 40))
        for number, track in enumerate(tracks)
    )  # fmt: skip
    seen: list[str] = []
    mark = ""
    while True:
        response = as_ada.get(reverse("likes"), {"after": mark})
        seen += titles(response)
        mark = response.context["page"].next_mark
        if not mark:
            break
    assert len(seen) == 120
    assert set(seen) == {str(number) for number in range(120)}
    assert all(int(title) % 5 == 0 for title in seen[-24:])


@pytest.mark.parametrize(
    "mark", ["x", "~", "~x", "2024-13-45~1", "2024-01-01~1", "9" * 40, "~" * 9]
)
def test_likes_bear_any_mark(as_ada: Client, ada: User, like_song: Any, mark: str) -> None:
    like_song(ada)
    assert titles(as_ada.get(reverse("likes"), {"after": mark})) == ["Hey Jude"]


def test_track_shows_evidence_reason_and_history(
    as_ada: Client, ada: User, like_song: Any, add_page: Any
) -> None:
    like = like_song(ada, last_error="'Live' only on one side")
    add_page(like, "Hey Jude (Live)")
    page = as_ada.get(reverse("track", args=[like.track_id])).text
    for text in ("Hey Jude (Live)", "artists equal", "Why it waits:", "GBUM71505902", "7:11",
                 "may be the same recording", "Came into Narada"):  # fmt: skip
        assert text in page, text


@pytest.mark.parametrize(
    ("state", "label"),
    [
        (State.REVIEW, "Why it waits:"),
        (State.FAILED, "Why it waits:"),
        (State.PENDING, "Last time:"),
        (State.REMOVED, None),
    ],
)
def test_track_says_that_it_waits_only_where_it_does(
    as_ada: Client, ada: User, like_song: Any, state: State, label: str | None
) -> None:
    like = like_song(ada, state, last_error="What happened there.")
    page = as_ada.get(reverse("track", args=[like.track_id])).text
    assert "What happened there." in page
    found = [text for text in ("Why it waits:", "Last time:") if text in page]
    assert found == ([label] if label else [])


def test_track_escapes_what_a_service_says(
    as_ada: Client, ada: User, like_song: Any, add_page: Any
) -> None:
    like = like_song(ada, title="<script>alert(1)</script>", last_error="<b>no</b>")
    add_page(like, "<img src=x onerror=alert(1)>")
    for name, args in (("track", [like.track_id]), ("likes", []), ("review", [])):
        page = as_ada.get(reverse(name, args=args)).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>no" not in page


@pytest.mark.parametrize("pk", [0, 10**17, 10**30])
def test_track_that_is_not_there_is_404(as_ada: Client, pk: int) -> None:
    assert as_ada.get(f"/likes/{pk}/").status_code == 404


def test_objects_of_another_user_are_404(
    as_ada: Client, bob: User, like_song: Any, add_page: Any
) -> None:
    like = like_song(bob)
    mapping = add_page(like, "Hey Jude (Live)")
    before = list(Like.objects.values()), list(ServiceMapping.objects.values())

    track = like.track_id
    assert as_ada.get(reverse("track", args=[track])).status_code == 404
    names = {"artist": "The Beatles", "title": "Hey Jude"}
    assert as_ada.post(reverse("name_page", args=[track]), names).status_code == 404
    for decision in ("exclude", "reopen"):
        address = reverse("decide_on_track", kwargs={"pk": track, "decision": decision})
        assert as_ada.post(address).status_code == 404
    for decision in ("accept", "reject"):
        address = reverse("decide_on_page", kwargs={"pk": mapping.pk, "decision": decision})
        assert as_ada.post(address).status_code == 404
    for scope in ("", "all"):
        form = {"decision": "exclude", "case": [like.pk], "scope": scope}
        as_ada.post(reverse("decide_on_many"), form)
    assert as_ada.get(reverse("disconnect", args=["spotify"])).status_code == 404

    assert (list(Like.objects.values()), list(ServiceMapping.objects.values())) == before


def count_queries(client: Client, address: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


@pytest.mark.parametrize("name", ["home", "likes", "review", "runs"])
def test_page_costs_as_many_queries_for_30_rows_as_for_one(
    as_ada: Client, ada: User, like_song: Any, add_page: Any, name: str
) -> None:
    def add(day: int) -> None:
        like = like_song(ada, State.REVIEW, days=day, last_error="the titles differ")
        add_page(like, "Hey Jude (Live)")
        add_page(like, "Hey Jude (Demo)")
        Run.objects.create(user=ada, kind="import", state="done")

    add(0)
    as_ada.get(reverse(name))
    with_one = count_queries(as_ada, reverse(name))
    for day in range(1, 30):
        add(day)
    assert count_queries(as_ada, reverse(name)) == with_one
    assert with_one <= 12

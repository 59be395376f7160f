"""What a purge deletes, and what it must leave."""

from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from django.utils import timezone

from connectors.records import ServiceUser, Tokens
from likes.accounts import connections, purge
from likes.models import Checkpoint, Connection, Like, ListedTrack, ServiceMapping, Track, TrackKey

pytestmark = pytest.mark.django_db
State, Decision = Like.State, ServiceMapping.Decision


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create(username="ann")


def add_track(user, title, *, source="api", lastfm_state=State.PRESENT, decided_by="rule"):
    """Add a track as an import and an export leave it."""
    track = Track.objects.create(user=user, title=title, artists=["Björk"])
    TrackKey.objects.create(track=track, user=user, key=title)
    for service, state in (
        ("narada", State.PRESENT),
        ("spotify", State.PRESENT),
        ("lastfm", lastfm_state),
    ):
        Like.objects.create(
            user=user, track=track, service=service, state=state, source=source, attempts=1
        )
    common = {"user": user, "track": track, "title": title, "decision": Decision.ACCEPTED}
    ServiceMapping.objects.create(
        **common, service="spotify", key=f"id-{user.pk}-{title}", source=source, rule="listed",
        listed=True,
    )  # fmt: skip
    ServiceMapping.objects.create(
        **common, service="lastfm", key=f"björk {title}", rule="same_name", decided_by=decided_by
    )
    return track


def leave(user, service):
    who = ServiceUser(f"{user.username}-{service}", user.username)
    connections.store_connection(user, service, who, Tokens("token"))
    return connections.disconnect(user, service)


def titles(user):
    return sorted(Track.objects.filter(user=user).values_list("title", flat=True))


def test_purge_of_spotify_deletes_what_its_api_told_and_leaves_what_a_file_gave(user):
    add_track(user, "Jóga")
    kept = add_track(user, "Hyperballad", source="file")
    Checkpoint.objects.create(user=user, listing="saved", position=2)
    Checkpoint.objects.create(user=user, listing="loved")
    assert purge.purge(leave(user, "spotify")) is True
    assert titles(user) == ["Hyperballad"]
    assert Like.objects.count() == 3
    assert set(ServiceMapping.objects.values_list("track", "listed")) == {(kept.pk, False)}
    assert TrackKey.objects.count() == 1
    assert [one.listing for one in Checkpoint.objects.all()] == ["loved"]
    assert not Connection.objects.exists()
    assert not SocialAccount.objects.exists()


def test_purge_of_spotify_keeps_a_track_that_a_file_gave_as_well(user):
    track = add_track(user, "Jóga")
    ServiceMapping.objects.create(
        user=user, track=track, service="spotify", key="name:1", source="file", rule="merged",
        decision=Decision.ACCEPTED,
    )  # fmt: skip
    purge.purge(leave(user, "spotify"))
    assert titles(user) == ["Jóga"]
    assert list(ServiceMapping.objects.filter(service="spotify").values_list("key")) == [
        ("name:1",)
    ]
    assert Like.objects.filter(service="narada").count() == 1


def test_purge_of_spotify_keeps_what_a_person_decided_on_tracks_that_stay(user):
    add_track(user, "Jóga", decided_by="person")
    add_track(user, "Hyperballad", source="file", decided_by="person")
    purge.purge(leave(user, "spotify"))
    decided = ServiceMapping.objects.filter(service="lastfm")
    assert [(row.title, row.decided_by) for row in decided] == [("Hyperballad", "person")]


def test_purge_of_lastfm_forgets_its_lists_and_leaves_the_likes_to_be_sent(user):
    add_track(user, "Jóga")
    add_track(user, "Hunter", decided_by="person")
    add_track(user, "Bachelorette", lastfm_state=State.EXCLUDED)
    add_track(user, "Unravel", lastfm_state=State.REMOVED)
    ListedTrack.objects.create(user=user, listing="loved", key="k", artist="Björk", title="Jóga")
    Checkpoint.objects.create(user=user, listing="loved")
    Checkpoint.objects.create(user=user, listing="saved")
    purge.purge(leave(user, "lastfm"))
    assert titles(user) == ["Bachelorette", "Hunter", "Jóga", "Unravel"]
    states = Like.objects.filter(service="lastfm").values_list("track__title", "state")
    assert dict(states) == {
        "Jóga": State.PENDING,
        "Hunter": State.PENDING,
        "Bachelorette": State.EXCLUDED,
        "Unravel": State.REMOVED,
    }
    assert [row.title for row in ServiceMapping.objects.filter(service="lastfm")] == ["Hunter"]
    assert ServiceMapping.objects.filter(service="spotify").count() == 4
    assert not ListedTrack.objects.exists()
    assert [one.listing for one in Checkpoint.objects.all()] == ["saved"]


def test_purge_leaves_other_users_alone(user, django_user_model):
    other = django_user_model.objects.create(username="ben")
    add_track(user, "Jóga")
    add_track(other, "Jóga")
    purge.purge(leave(user, "spotify"))
    assert titles(user) == []
    assert titles(other) == ["Jóga"]
    assert Like.objects.filter(user=other).count() == 3


def test_purge_due_waits_for_the_day(user):
    add_track(user, "Jóga")
    leave(user, "spotify")
    assert purge.purge_due(timezone.now() + timedelta(days=3.9)) == 0
    assert titles(user) == ["Jóga"]
    assert purge.purge_due(timezone.now() + timedelta(days=4.1)) == 1
    assert titles(user) == []
    assert purge.purge_due(timezone.now() + timedelta(days=4.1)) == 0


def test_purge_goes_on_after_a_kill_and_stops_at_a_reconnect(user, monkeypatch):
    monkeypatch.setattr(purge, "BATCH", 2)
    for number in range(5):
        add_track(user, f"Song {number}")
    connection = leave(user, "spotify")
    Checkpoint.objects.create(user=user, listing="saved", position=5)
    batches = []

    def stop_after_one(*batch):
        batches.append(batch)
        if len(batches) > 1:
            raise KeyboardInterrupt
        return delete_batch(*batch)

    delete_batch = purge._purge_spotify_batch
    monkeypatch.setattr(purge, "_purge_spotify_batch", stop_after_one)
    with pytest.raises(KeyboardInterrupt):
        purge.purge(connection)
    monkeypatch.setattr(purge, "_purge_spotify_batch", delete_batch)
    assert len(titles(user)) == 3
    assert not Checkpoint.objects.exists()  # it would say that all is read
    who = ServiceUser("ann-spotify", "ann")
    connections.store_connection(user, "spotify", who, Tokens("token"))
    assert purge.purge(connection) is False
    assert len(titles(user)) == 3
    connections.disconnect(user, "spotify", purge_now=True)
    assert titles(user) == []


def test_purge_of_many_tracks_takes_few_queries(user, django_assert_max_num_queries):
    Track.objects.bulk_create(
        Track(user=user, title=f"Song {number}", artists=[]) for number in range(1000)
    )
    connection = leave(user, "spotify")
    with django_assert_max_num_queries(60):
        purge.purge(connection)
    assert titles(user) == []

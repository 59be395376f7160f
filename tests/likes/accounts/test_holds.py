from datetime import timedelta

import pytest
from django.utils import timezone

from connectors.errors import RateLimited, ServiceClosed
from likes.accounts import holds
from likes.models import ServiceHold

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def seconds_held(service="lastfm"):
    return round((holds.held_until(service) - timezone.now()).total_seconds())


def hold_for_a_moment(service="lastfm"):
    holds.hold_back(service, timezone.now(), "29")


def end_hold(service="lastfm"):
    ServiceHold.objects.filter(service=service).update(held_until=timezone.now() - MINUTE)


def test_free_service_is_open():
    assert holds.held_until("lastfm") is None
    holds.check_open("lastfm")


def test_held_service_says_until_when():
    until = timezone.now() + timedelta(days=1)
    assert holds.hold_back("spotify", until, "QUOTA_EXCEEDED") == until
    assert holds.held_until("spotify") == until
    assert holds.held_until("lastfm") is None
    with pytest.raises(RateLimited) as caught:
        holds.check_open("spotify")
    assert caught.value.retry_at == until
    assert "quota" in str(caught.value)


def test_hold_is_never_shortened():
    until = timezone.now() + timedelta(hours=5)
    holds.hold_back("lastfm", until, "429")
    holds.hold_back("lastfm", timezone.now() + MINUTE, "29")
    assert holds.held_until("lastfm") == until


def test_hold_for_error_29_doubles_up_to_an_hour():
    lengths = []
    for _ in range(9):
        hold_for_a_moment()
        lengths.append(seconds_held())
        end_hold()
    assert lengths == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_requests_refused_at_the_same_moment_count_as_one():
    for _ in range(8):
        hold_for_a_moment()
    assert seconds_held() == 60
    assert ServiceHold.objects.get().times == 1


def test_time_that_a_service_gives_is_kept_as_it_is():
    for _ in range(3):
        holds.hold_back("spotify", timezone.now() + timedelta(seconds=30), "429")
        assert seconds_held("spotify") == 30
        end_hold("spotify")


def test_answer_makes_the_next_hold_a_first_one():
    hold_for_a_moment()
    end_hold()
    holds.note_success("lastfm")
    hold_for_a_moment()
    assert seconds_held() == 60


def test_answer_to_an_earlier_request_does_not_lift_a_hold():
    hold_for_a_moment()
    holds.note_success("lastfm")
    assert seconds_held() == 60


def test_success_costs_one_query_where_nothing_is_held(django_assert_num_queries):
    with django_assert_num_queries(1):
        holds.note_success("lastfm")


def test_closed_service_refuses_until_it_is_reopened():
    holds.close_service("lastfm", "Invalid API key")
    with pytest.raises(ServiceClosed, match="Invalid API key"):
        holds.check_open("lastfm")
    holds.check_open("spotify")
    assert holds.reopen("lastfm") is True
    holds.check_open("lastfm")
    assert holds.reopen("lastfm") is False


def test_hold_of_a_closed_service_keeps_it_closed():
    holds.close_service("lastfm", "Invalid API key")
    hold_for_a_moment()
    end_hold()
    with pytest.raises(ServiceClosed, match="Invalid API key"):
        holds.check_open("lastfm")


def test_row_reads_well_in_every_state():
    holds.close_service("lastfm", "Invalid API key")
    hold_for_a_moment("spotify")
    assert [str(row)[:20] for row in ServiceHold.objects.order_by("service")] == [
        "Last.fm: closed (Inv",
        "Spotify: held back u",
    ]

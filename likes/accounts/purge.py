"""After a disconnect: deleting what came from a service's API, and only that.

Spotify's Developer Terms (version 10, appendix A) ask that a user's data is deleted within five
days of a disconnect. What a file or a person gave did not come from there and stays.
"""

from __future__ import annotations

import logging
from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef

from likes.accounts.app_clients import is_only_sign_in
from likes.accounts.leaving import delete_all, delete_tracks
from likes.like_operations import forget
from likes.models import (
    Checkpoint,
    Connection,
    Like,
    ListedTrack,
    ListedTrackKey,
    RunChange,
    Service,
    ServiceMapping,
    Source,
    Track,
)

logger = logging.getLogger(__name__)

BATCH = 500
#: What is said of a connection that was purged but for the id that signs its user in.
KEPT = "What came from it is deleted. Only its id is kept, since you sign in with it."
LISTINGS = {
    Service.SPOTIFY: [Checkpoint.Listing.SAVED],
    Service.LASTFM: [Checkpoint.Listing.LOVED, Checkpoint.Listing.LIBRARY],
}


def purge_due(now: datetime) -> int:
    """Purge every disconnected connection whose time has come; return how many."""
    due = Connection.objects.filter(
        state=Connection.State.DISCONNECTED, purge_at__isnull=False, purge_at__lte=now
    ).select_related("user")
    return sum(purge(connection) for connection in due)


def purge(connection: Connection) -> bool:
    """Delete what came from the connection's service for its user, and the connection last.

    In batches, each a transaction, so that a kill leaves less to do and the connection as the
    mark that there is more. Returns False, and stops, when the user has connected again meanwhile.
    """
    purge_batch = {Service.SPOTIFY: _purge_spotify_batch, Service.LASTFM: _purge_lastfm_batch}
    more, after = True, 0
    while more:
        with transaction.atomic():
            mine = Connection.objects.select_for_update().filter(
                pk=connection.pk, state=Connection.State.DISCONNECTED
            )
            if not mine.exists():
                return False
            # First, so that a run that is still at work can store nothing more (save_checkpoint),
            # and whoever connects again before the end has everything read anew.
            listings = LISTINGS[Service(connection.service)]
            Checkpoint.objects.filter(user=connection.user_id, listing__in=listings).delete()
            after = purge_batch[Service(connection.service)](connection.user, after)
            more = bool(after)
            if not more:
                account = SocialAccount.objects.filter(pk=connection.account_id)
                account = account.filter(user=connection.user)
                if _still_signs_in(connection):
                    account.update(extra_data={})
                    mine.update(purge_at=None, reason=KEPT)
                else:
                    account.delete()
                    mine.delete()
    logger.info("user %s: purged what came from %s", connection.user_id, connection.service)
    return True


def _still_signs_in(connection: Connection) -> bool:
    """Tell whether nothing but this account's id lets a user in who has been in."""
    user = connection.user
    return user.last_login is not None and is_only_sign_in(user, connection.service)


def _purge_spotify_batch(user: User, after: int) -> int:
    """Delete some of what Spotify's API told, of the tracks that follow the one given.

    Returns the last track that was deleted; 0 if all are.
    """
    given = [Source.FILE, Source.PERSON]
    by_like = Like.objects.filter(track=OuterRef("pk"), source__in=given)
    by_mapping = ServiceMapping.objects.filter(
        track=OuterRef("pk"), service=Service.SPOTIFY, source__in=given
    )
    told = Track.objects.filter(~Exists(by_like), ~Exists(by_mapping), user=user, pk__gt=after)
    batch = list(told.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if batch:
        delete_tracks(batch)
        return batch[-1]
    mappings = ServiceMapping.objects.of(user).on(Service.SPOTIFY)
    mappings.filter(source=Source.API).delete()
    mappings.filter(listed=True).update(listed=False)
    likes = Like.objects.of(user).on(Service.SPOTIFY).filter(source=Source.API)
    delete_all(RunChange.objects.filter(like__in=likes))
    delete_all(likes)
    return 0


def _purge_lastfm_batch(user: User, after: int) -> int:
    """Delete some of what Last.fm's API told; return the last row, 0 if there are no more.

    The rows that say what is to be sent there are Narada's own: they forget what became of it and
    are to be sent again. What a person decided stays decided, and so does what was taken back.
    """
    rows = ListedTrack.objects.filter(user=user, pk__gt=after)
    batch = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if batch:
        delete_all(ListedTrackKey.objects.filter(listed__in=batch))
        delete_all(ListedTrack.objects.filter(pk__in=batch))
        return batch[-1]
    mappings = ServiceMapping.objects.of(user).on(Service.LASTFM)
    mappings.exclude(decided_by=ServiceMapping.DecidedBy.PERSON).filter(source=Source.API).delete()
    mappings.update(withdraw=False, listed=False)
    forget(Like.objects.of(user).on(Service.LASTFM))
    return 0

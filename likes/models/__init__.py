"""What Narada stores. The state of a like is a row; nothing else ever stands in for it."""

from likes.models.changes import BulkAcceptance, RunChange, RunChangeQuerySet
from likes.models.connections import Connection, ServiceHold, SyncSettings
from likes.models.listings import Checkpoint, ListedTrack, ListedTrackKey, Run
from likes.models.music import (
    STUCK_AFTER,
    Like,
    LikeQuerySet,
    MappingQuerySet,
    Service,
    ServiceMapping,
    Source,
    Track,
    TrackKey,
)

__all__ = [
    "STUCK_AFTER",
    "BulkAcceptance",
    "Checkpoint",
    "Connection",
    "Like",
    "LikeQuerySet",
    "ListedTrack",
    "ListedTrackKey",
    "MappingQuerySet",
    "Run",
    "RunChange",
    "RunChangeQuerySet",
    "Service",
    "ServiceHold",
    "ServiceMapping",
    "Source",
    "SyncSettings",
    "Track",
    "TrackKey",
]

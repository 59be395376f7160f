"""The cache in Redis, without which the pages go on.

Signing in counts its tries in the cache. While Redis is away or hangs, each process counts for
itself, and asks Redis again after a while.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends import redis as django_redis
from django.core.cache.backends.locmem import LocMemCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

#: Seconds for which Redis is not asked after it failed: a page asks the cache several times.
PAUSE = 10.0


class Client(django_redis.RedisCacheClient):
    """Answers from this process where Redis does not."""

    #: Of all threads, as each has a client of its own.
    away_until = 0.0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.local = LocMemCache("while-redis-is-away", {})


def _or_local(name: str) -> Callable[..., Any]:
    ask = getattr(django_redis.RedisCacheClient, name)

    def method(self: Client, *args: Any) -> Any:
        if time.monotonic() >= Client.away_until:
            try:
                return ask(self, *args)
            except (RedisError, OSError) as error:
                Client.away_until = time.monotonic() + PAUSE
                logger.warning(
                    "Redis does not answer (%s: %s). Each process keeps its own cache meanwhile.",
                    type(error).__name__,
                    error,
                )
        return getattr(self.local, name)(*args)

    return method


for _name in ("add", "get", "set", "touch", "delete", "get_many", "has_key", "incr", "set_many",
              "delete_many", "clear"):  # fmt: skip
    setattr(Client, _name, _or_local(_name))


class RedisCache(django_redis.RedisCache):
    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = Client

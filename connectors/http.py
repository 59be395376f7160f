"""The one session through which every request to a service goes.

spotipy, pylast's transport and our own calls all send through ``ServiceSession``, so that one
budget, one timeout, one retry rule and one table of errors serve both services.
"""

from __future__ import annotations

import itertools
import logging
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from time import sleep
from typing import Any, TypeVar

import requests

from connectors.error_table import NAMES, check_answer, name_request, read_document, read_fields
from connectors.errors import RateLimited, RequestRejected, TemporaryError
from connectors.limits import Budget
from connectors.transport import AnswerTooLong, AnswerTooSlow, DeadlineAdapter, read_body

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A Retry-After up to this (s) is waited for on the spot, once.
SHORT_WAIT = 5.0
FIRST_PAUSE = 0.4

# What may be sent again although it may have arrived: it has the same effect twice. Last.fm's
# method or OAuth's grant; all else that is a POST has its effect once (auth.getSession uses up
# its token, a code is exchanged once).
REPEATABLE = frozenset(
    {
        "track.love",
        "track.unlove",
        "track.getinfo",
        "track.getcorrection",
        "artist.getcorrection",
        "user.getinfo",
        "user.getlovedtracks",
        "user.gettoptracks",
        "auth.gettoken",
        "refresh_token",
    }
)

# These print tokens and keys at DEBUG (spotipy's headers, pylast's answers, urllib3's addresses).
for _name in ("spotipy", "pylast", "httpx2", "httpcore2", "urllib3", "requests"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class EndlessAnswer(TemporaryError):
    """An answer too long, or too slow, to be read to its end; it is not asked for again at once."""


class UnexpectedAnswer(TemporaryError):
    """An answer that can be read but is not what was asked for; the text names the field."""


def _read_version() -> str:
    try:
        return version("narada")
    except PackageNotFoundError:
        return "dev"


CONTACT = "+https://github.com/narada-music/narada"


class ServiceSession(requests.Session):
    """A requests session for one service: budget, timeout, User-Agent, retries, errors.

    Every answer that is returned is a 2xx that can be read as what was asked for (JSON object or
    list, Last.fm's XML); everything else raises one of ``connectors.errors`` (the table is in
    ``connectors/error_table.py``). Temporary failures
    are tried ``tries`` times in all, with pauses that grow from 0.4 s. A short ``Retry-After`` is
    waited for once; any other limit calls ``on_hold(retry_at, reason)``, which may return a later
    time, and raises RateLimited.
    ``timeout`` is (connect, read) in seconds; an answer must be complete ``deadline`` seconds after
    the request. ``calls`` counts the requests that were sent.

    ``contact`` tells the service in the User-Agent whom to ask about these requests.

    One session may be used by several threads and for several users: it keeps no cookies.
    """

    def __init__(
        self,
        service: str,
        budget: Budget | None = None,
        *,
        timeout: tuple[float, float] = (5, 20),
        deadline: float = 40,
        tries: int = 4,
        on_hold: Callable[[datetime, str], datetime | None] | None = None,
        contact: str = CONTACT,
    ) -> None:
        super().__init__()
        self.service = service
        self.budget = budget
        self.timeout = timeout
        self.tries = tries
        self.on_hold = on_hold
        self.calls = 0
        self._counting = Lock()
        self.headers["User-Agent"] = f"Narada/{_read_version()} ({contact})"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Without this an entry in ~/.netrc would replace a user's token (requests 2.34,
        # Session.prepare_request).
        self.auth = _keep_authorization
        for scheme in ("http://", "https://"):
            self.mount(scheme, DeadlineAdapter(deadline, pool_maxsize=32, max_retries=0))

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        try:
            return super().prepare_request(request)
        except requests.RequestException as error:
            raise self._reject_address(error) from _scrub(error)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs["allow_redirects"] = False
        kwargs["timeout"] = kwargs.get("timeout") or self.timeout
        kwargs["stream"] = True
        repeatable = is_repeatable(request)
        waited = maybe_done = False
        for attempt in itertools.count(1):
            try:
                if self.budget is not None:
                    self.budget.acquire()
                return self._send_once(request, kwargs)
            except TemporaryError as error:
                # Of several tries any may have had its effect, not only the last.
                maybe_done = error.maybe_done = maybe_done or error.maybe_done
                if isinstance(error, RateLimited):
                    pause = self._wait_or_hold(error, waited)
                    waited = True
                elif (
                    isinstance(error, EndlessAnswer)
                    or attempt >= self.tries
                    or (maybe_done and not repeatable)
                ):
                    raise
                else:
                    pause = FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.7, 1.3)
                    logger.info("%s; trying again in %.1f s", error, pause)
            sleep(pause)
        raise AssertionError("unreachable")

    def read_json(self, response: requests.Response) -> Any:
        """Return the JSON of an answer that ``send`` has found readable."""
        return read_document(response)

    @property
    def name(self) -> str:
        """The service's name for people."""
        return NAMES.get(self.service, self.service)

    def _send_once(
        self, request: requests.PreparedRequest, kwargs: dict[str, Any]
    ) -> requests.Response:
        try:
            response = super().send(request, **kwargs)
            read_body(response)
        except (requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL) as error:
            raise self._reject_address(error) from _scrub(error)
        except requests.RequestException as error:
            arrived = not _is_before_sending(error)
            if arrived:
                self._count()
            if why := _find_endless(error):
                raise EndlessAnswer(
                    f"{self.name}'s answer to {name_request(request)} {why}, so it was not read to "
                    "its end.",
                    service=self.service,
                    maybe_done=True,
                ) from _scrub(error)
            raise TemporaryError(
                f"{self.name} cannot be reached, or did not answer in time "
                f"({type(error).__name__} at {name_request(request)}).",
                service=self.service,
                maybe_done=arrived,
            ) from _scrub(error)
        self._count()
        check_answer(self.service, request, response)
        return response

    def _reject_address(self, error: requests.RequestException) -> RequestRejected:
        return RequestRejected(
            f"{self.name}'s address in the settings is not valid ({type(error).__name__}).",
            service=self.service,
        )

    def _count(self) -> None:
        with self._counting:
            self.calls += 1

    def _wait_or_hold(self, error: RateLimited, waited: bool) -> float:
        """Return how long (s) to wait for a limit, once and when it is short; else raise it."""
        if error.status is None:
            raise error  # our own budget's word: whoever heard the service's has told
        wait = (error.retry_at - datetime.now(UTC)).total_seconds()
        if not waited and wait <= SHORT_WAIT and error.code != "QUOTA_EXCEEDED":
            return max(wait, 0.0) + random.uniform(0.1, 0.4)
        if self.on_hold is not None:
            held = self.on_hold(error.retry_at, error.code or str(error.status))
            error.retry_at = held or error.retry_at
        if self.budget is not None:
            self.budget.hold(error.retry_at)
        raise error


def ask_until_clear(ask: Callable[[], T], tries: int = 3) -> T:
    """Return ``ask()``, asked again when its answer could be read but not understood."""
    for attempt in range(1, tries):
        try:
            return ask()
        except UnexpectedAnswer as error:
            logger.info("%s; asking again", error)
            sleep(FIRST_PAUSE * attempt)
    return ask()


def is_repeatable(request: requests.PreparedRequest) -> bool:
    """Tell whether this may be sent again when nobody knows if it has arrived."""
    fields = read_fields(request)
    operation = fields.get("method") or fields.get("grant_type")
    if operation is not None:
        return operation.lower() in REPEATABLE
    return request.method in ("GET", "HEAD", "PUT", "DELETE")


def _is_before_sending(error: requests.RequestException) -> bool:
    """Tell whether the connection was never made (urllib3 names it NewConnectionError)."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError)):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ProxyError")


def _find_endless(error: BaseException | None) -> str:
    """Say how an answer had no end; "" where the error is another."""
    while error is not None:
        if isinstance(error, AnswerTooLong):
            return f"is {error}"
        if isinstance(error, AnswerTooSlow):
            return "did not end in time"
        error = error.__cause__ or error.__context__
    return ""


def _scrub(error: requests.RequestException) -> requests.RequestException:
    """Return the error without its address's query, for a traceback that may be logged."""
    return type(error)(re.sub(r"\?[^\s'\")]+", "?…", str(error)))


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request

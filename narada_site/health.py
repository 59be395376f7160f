"""Answer monitors.

They are answered before everything else, because a monitor asks by an address such as 10.0.0.7 and
by plain HTTP, which ``ALLOWED_HOSTS`` and a redirect to HTTPS would refuse.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

Answer = Callable[[HttpRequest], HttpResponse]


def answer_monitors(get_response: Answer) -> Answer:
    """Return the middleware that answers the addresses in ``ANSWERS``."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return ANSWERS.get(request.path_info, get_response)(request)

    return middleware


def tell_alive(request: HttpRequest) -> HttpResponse:
    """Answer that this web process is alive, whatever may be wrong with the rest."""
    return JsonResponse({"alive": True})


ANSWERS: dict[str, Answer] = {"/healthz": tell_alive}

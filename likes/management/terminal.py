"""What commands write, and what is logged: no text of a service or a file acts on a terminal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.management.base import OutputWrapper

from connectors.text import keep_showable


class ShowableOutput(OutputWrapper):
    """A command's output; the styles that Django adds for a terminal are kept."""

    def write(
        self,
        msg: str = "",
        style_func: Callable[[str], str] | None = None,
        ending: str | None = None,
    ) -> None:
        super().write(keep_showable(str(msg)), style_func, ending)

    def write_data(self, text: str) -> None:
        """Write what another program reads: a file or a pipe gets it as it is."""
        super().write(keep_showable(text) if self.isatty() else text, ending="")


class ShowableRecord(logging.LogRecord):
    """A message as every handler of every process writes it, Celery's too."""

    def getMessage(self) -> str:
        return keep_showable(super().getMessage())


def log_showably() -> None:
    logging.setLogRecordFactory(ShowableRecord)


class ShowableStreams:
    """Gives a command outputs of its own, whoever sets them."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("stdout", "stderr") and type(value) is OutputWrapper:
            value = ShowableOutput(value._out, value.ending)
        super().__setattr__(name, value)

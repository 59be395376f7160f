"""What all of Narada's commands share: the user option, checked values, errors to exit codes."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.db import DatabaseError, IntegrityError

from connectors.errors import ConnectorError
from connectors.files import FileRejected
from likes.accounts.credentials import CredentialsMissing, NotConnected
from likes.management.terminal import ShowableStreams
from likes.models.database_failures import FULL, IN_USE, READ_ONLY, UNREADABLE, name_failure
from likes.runs.leases import Busy
from likes.runs.summaries import NEEDS_A_PERSON, TRY_LATER, tell_error
from matching import NamesUnreadable

BAD_USAGE = 2
#: As shells report a program that a signal ended: 128 and SIGINT, 128 and SIGPIPE.
INTERRUPTED, READER_GONE = 130, 141
DEFAULT_USER = "default"


class Error(CommandError):
    """Ends a command with one line; Django prints the class's name before it."""

    def __init__(self, message: str, returncode: int = NEEDS_A_PERSON) -> None:
        super().__init__(" ".join(message.split()), returncode=returncode)


def whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """An argparse type: a whole number from ``low`` to ``high``."""

    def parse(text: str) -> int:
        wanted = f"a whole number from {low} to {high}" if high else f"a whole number from {low} up"
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if number < low or (high is not None and number > high):
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
        return number

    return parse


def explain_database(error: DatabaseError) -> Error:
    """Say in one line what is wrong with the database, and what to do."""
    cause = error.__cause__
    text = " ".join(str(error).split())
    if "no such table" in text or ("relation" in text and "does not exist" in text):
        return Error("The database has not been set up. Run: narada init-db")
    if "no such column" in text or ("column" in text and "does not exist" in text):
        return Error("The database is older than the program. Run: narada init-db")
    if name_failure(error) == IN_USE and isinstance(cause, sqlite3.Error):
        return Error("The database is in use by another program; try again in a moment.", TRY_LATER)
    if isinstance(error, IntegrityError) and "foreign key" in text.lower():
        return Error("The user was deleted while this ran, so it ended. Nothing was changed.")
    if name_failure(error) == FULL:
        return Error(
            f"The database cannot be written ({text}). Make room on the disk and run this again; "
            "what was stored before is kept.",
            TRY_LATER,
        )
    if name_failure(error) in (READ_ONLY, UNREADABLE):
        return Error(f"The database cannot be opened or written ({text}). Check DATABASE_URL.")
    return Error(f"The database does not answer: {text}", TRY_LATER)


def explain(error: Exception) -> Error:
    """Return the one line and the exit code of an error that ends a command."""
    if isinstance(error, Error):
        return error
    if isinstance(error, DatabaseError):
        return explain_database(error)
    return Error(*tell_error(error))


#: What a command may meet that is not a fault of the program.
EXPECTED = (
    ConnectorError,
    Busy,
    NotConnected,
    CredentialsMissing,
    DatabaseError,
    ImproperlyConfigured,
    FileRejected,
    NamesUnreadable,
    OSError,
)


def hand_over_output() -> None:
    """Hand over what was printed while it can still be told that this failed.

    Where nobody reads it any more, as after ``| head``, it is let go. Python would else complain
    itself, when it flushes at its end. Raises Error where it cannot be written, as on a full disk.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise Error(f"The output cannot be written: {error.strerror}.") from error


def print_error_as_json(stream: OutputWrapper, error: Error) -> None:
    """Print the one object that ``--json`` promises where there is no result."""
    with suppress(OSError):  # it may be standard output itself that failed
        stream.write(json.dumps({"error": str(error)}))


class NaradaCommand(ShowableStreams, BaseCommand):
    """A command whose every failure is one line and an exit code, never a traceback."""

    requires_migrations_checks = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)

        def refuse(message: str) -> NoReturn:
            raise Error(f"{message}. See: narada {subcommand.replace('_', '-')} --help", BAD_USAGE)

        parser.error = refuse  # type: ignore[method-assign]
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            try:
                super().run_from_argv(argv)
            finally:
                hand_over_output()
        except Error as error:  # raised by the parser, before Django's own handling begins
            if "--json" in argv:
                print_error_as_json(self.stdout, error)
            self.stderr.write(f"Error: {error}")
            sys.exit(error.returncode)
        except KeyboardInterrupt:
            self.stderr.write("Stopped. What was done is kept; run it again to go on.")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            sys.exit(READER_GONE)

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except BrokenPipeError:
            raise
        except (*EXPECTED, Error) as error:
            if options.get("traceback"):
                raise
            explained = explain(error)
            if options.get("as_json"):
                print_error_as_json(self.stdout, explained)
            raise explained from error

    def add_user_argument(self, parser: argparse._ActionsContainer) -> None:
        parser.add_argument(
            "-u",
            "--user-id",
            dest="user",
            default=DEFAULT_USER,
            metavar="USER",
            help="a user's name in Narada (default: %(default)s)",
        )

    def add_json_argument(self, parser: argparse._ActionsContainer) -> None:
        parser.add_argument(
            "--json",
            dest="as_json",
            action="store_true",
            help="print exactly one JSON object on standard output, all else on standard error",
        )

    def get_user(self, name: str, *, create: bool = False) -> User:
        """Return the user of that name; create it where the command is one that may."""
        users = get_user_model()
        if not name.strip():
            raise Error("A user's name cannot be empty.", BAD_USAGE)
        try:
            return users.objects.get(username=name)
        except users.DoesNotExist:
            if not create:
                raise Error(
                    f"There is no user {name!r}. Create it with: narada init-db -u {name}"
                ) from None
        user = users(username=name)
        user.set_unusable_password()
        try:
            user.full_clean(exclude=["password"])
        except Exception as error:  # noqa: BLE001 -- Django's validators say what is wrong
            messages = "; ".join(getattr(error, "messages", [str(error)]))
            raise Error(f"{name!r} cannot be a user's name: {messages}", BAD_USAGE) from None
        user.save()
        return user

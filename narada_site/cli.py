"""The commands: ``narada``, with dashes, and ``manage.py``."""

import os
import sys

from narada_site import __version__

NEEDS_A_PERSON, BAD_USAGE, INTERRUPTED = 1, 2, 130


def main() -> None:
    """Run the command that the arguments name; a fault of the settings is told in one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "narada_site.settings")
    # Started with a closed output (`>&-`), Python has none at all.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        run(os.path.basename(sys.argv[0]), with_underscores(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(INTERRUPTED)


def run(program: str, arguments: list[str]) -> None:
    # Loaded here, because loading takes long enough to be interrupted.
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line, get_commands
    from django.db import DatabaseError

    try:
        try:
            django.setup()
        except OSError as error:  # such as a full disk, while a secret is made and kept
            raise ImproperlyConfigured(str(error)) from error
        command = arguments[0] if arguments else "help"
        if command in ("version", "--version"):
            sys.stdout.write(f"Narada {__version__}, Django {django.get_version()}\n")
            return
        if command not in {*get_commands(), "help", "version"} and not command.startswith("-"):
            sys.stderr.write(f"Error: there is no command {command!r}. See: narada help\n")
            sys.exit(BAD_USAGE)
        execute_from_command_line([program, *arguments])
    except DatabaseError as error:  # of Django's own commands; Narada's explain theirs
        if "--traceback" in arguments:
            raise
        from likes.management.base import explain_database

        explained = explain_database(error)
        sys.stderr.write(f"Error: {explained}\n")
        sys.exit(explained.returncode)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(NEEDS_A_PERSON)


def with_underscores(arguments: list[str]) -> list[str]:
    """Name the command as its module is named."""
    named = 1 if arguments[:1] == ["help"] else 0
    return [
        argument.replace("-", "_") if place <= named and not argument.startswith("-") else argument
        for place, argument in enumerate(arguments)
    ]

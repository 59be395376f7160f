"""The console script ``narada``: Django's commands under their names with dashes."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "narada_site.settings")
    from django.core.management import execute_from_command_line

    arguments = sys.argv[1:]
    if arguments and not arguments[0].startswith("-"):
        arguments[0] = arguments[0].replace("-", "_")
    if arguments[:1] in (["help"],) and len(arguments) > 1:
        arguments[1] = arguments[1].replace("-", "_")
    execute_from_command_line(["narada", *arguments])

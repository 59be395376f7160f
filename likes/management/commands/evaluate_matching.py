import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from likes.management.base import Error, NaradaCommand
from matching.evaluation import evaluate, read_pairs


class Command(NaradaCommand):
    help = "Print precision and recall of the matcher on a file of labelled pairs (JSON lines)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        self.add_json_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = evaluate(read_pairs(options["file"]))
        except ValueError as error:
            raise Error(str(error)) from error
        if options["as_json"]:
            self.stdout.write(json.dumps(report.as_json()))
        else:
            self.stdout.write(report.render())

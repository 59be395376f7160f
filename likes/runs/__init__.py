"""Of every run: its lease, questions, counts and end, its history and its undo."""

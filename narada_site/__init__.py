"""Wiring only: settings, addresses, Celery, the console script."""

__version__ = "0.1.0"

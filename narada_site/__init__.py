"""Wiring only: settings, addresses, Celery, the console script."""

# Without this import a process would queue its tasks with Celery's defaults, not our settings.
from narada_site.celery import app as celery_app

__all__ = ["celery_app"]
__version__ = "0.1.0"

"""The Celery application; everything it needs is in ``settings`` under ``CELERY_``."""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import after_setup_logger, after_setup_task_logger

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "narada_site.settings")
app = Celery("narada")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@after_setup_logger.connect
@after_setup_task_logger.connect
def hide_secrets_in_logs(logger: logging.Logger, **_: Any) -> None:
    """Celery writes the worker's log by formatters of its own."""
    from narada_site.reporting import SecretsHidden

    for handler in logger.handlers:
        handler.setFormatter(SecretsHidden.around(handler.formatter))

from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LikesConfig(AppConfig):
    name = "likes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from likes.accounts import encryption
        from likes.blocking_keys import fingerprint
        from likes.management.terminal import log_showably
        from matching import NamesUnreadable

        log_showably()
        encryption.encrypt_social_tokens()
        post_migrate.connect(create_search_index, sender=self)
        # The processes of a pool, later ones too, go by the names that it was started with. Where
        # they cannot be read, who needs them says so.
        with suppress(NamesUnreadable):
            fingerprint()


def create_search_index(using: str, **kwargs: Any) -> None:
    """Create what a later migration dropped of the index, or what was not allowed before."""
    from likes.models.search_index import create_index

    create_index(using)

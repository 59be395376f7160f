from contextlib import suppress

from django.apps import AppConfig


class LikesConfig(AppConfig):
    name = "likes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from likes import encryption
        from likes.keys import fingerprint
        from matching import NamesUnreadable

        encryption.encrypt_social_tokens()
        # The processes of a pool, later ones too, go by the names that it was started with. Where
        # they cannot be read, who needs them says so.
        with suppress(NamesUnreadable):
            fingerprint()

from django.apps import AppConfig


class LikesConfig(AppConfig):
    name = "likes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from likes import encryption

        encryption.encrypt_social_tokens()

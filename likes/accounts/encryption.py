"""allauth's token rows, encrypted at rest with the keys of ``TOKEN_ENCRYPTION_KEYS``.

allauth 65 keeps ``SocialToken.token`` and ``token_secret`` in clear and has no hook for another
storage (its ``socialaccount/models.py``), so the two fields themselves encrypt what they write and
decrypt what they read. The columns stay what they are: no migration comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models, transaction

ENCRYPTED_FIELDS = ("token", "token_secret")

# How every Fernet token begins until the year 2106: the version byte 0x80 and the upper bytes of
# a 64-bit time, in base64 (https://github.com/fernet/spec). Neither Spotify's tokens (BQ…, AQ…)
# nor Last.fm's session keys (32 hex digits) can begin so; so what does not was stored in clear.
FERNET_START = "gAAAAA"


class TokenUnreadable(Exception):
    """A stored token cannot be decrypted with any of the keys there are."""


class UnreadableText(str):
    """What a field holds when it cannot be decrypted: nothing to see, and nothing lost.

    It shows as the empty string and is written back as it was stored.
    """

    stored: str

    def __new__(cls, stored: str) -> UnreadableText:
        text = super().__new__(cls, "")
        text.stored = stored
        return text


@lru_cache(maxsize=4)
def _open_keys(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "TOKEN_ENCRYPTION_KEYS must be one or more Fernet keys (32 bytes in URL-safe base64), "
            "newest first, with commas between them."
        ) from error


def _get_keys() -> MultiFernet:
    return _open_keys(tuple(settings.TOKEN_ENCRYPTION_KEYS))


def encrypt(text: str) -> str:
    """Return the text encrypted with the first key; what is empty stays empty."""
    if isinstance(text, UnreadableText):
        return text.stored
    return _get_keys().encrypt(text.encode()).decode() if text else ""


def decrypt(stored: str) -> str:
    """Return the text of what ``encrypt`` gave, and what was stored in clear as it is.

    What no key opens becomes an UnreadableText; a page that lists rows does not break by it.
    """
    if not stored.startswith(FERNET_START):
        return stored
    try:
        return _get_keys().decrypt(stored).decode()
    except InvalidToken:
        return UnreadableText(stored)


def reveal(text: str) -> str:
    """Return a token for use. Raises TokenUnreadable where it could not be decrypted."""
    if isinstance(text, UnreadableText):
        raise TokenUnreadable(
            "The stored token cannot be decrypted: none of TOKEN_ENCRYPTION_KEYS fits."
        )
    return text


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A text field that is encrypted in the database only. Migrations see a TextField."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return value if value is None else encrypt(value)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return value if value is None else decrypt(value)


def encrypt_social_tokens() -> None:
    """Make allauth's token fields encrypt themselves; called once, when the apps are ready."""
    for name in ENCRYPTED_FIELDS:
        field = apps.get_model("socialaccount", "SocialToken")._meta.get_field(name)
        field.__class__ = EncryptedTextField


def rotate_keys() -> tuple[int, int]:
    """Encrypt every stored token anew, with the first key.

    Returns how many rows were written, and how many were left because no key opens them. Each row
    is its own transaction, so a token that is refreshed meanwhile is not overwritten by the old.
    """
    model = apps.get_model("socialaccount", "SocialToken")
    _get_keys()  # bad keys are said also where there is no token yet
    written = unreadable = 0
    for pk in list(model.objects.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            row = model.objects.select_for_update().filter(pk=pk).first()
            if row is None:
                continue
            if any(isinstance(getattr(row, name), UnreadableText) for name in ENCRYPTED_FIELDS):
                unreadable += 1
                continue
            row.save(update_fields=ENCRYPTED_FIELDS)
            written += 1
    return written, unreadable

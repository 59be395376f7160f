from __future__ import annotations

from typing import Any

from likes.accounts.encryption import rotate_keys
from likes.management.base import Error, NaradaCommand


class Command(NaradaCommand):
    help = (
        "Encrypt every stored token anew with the first key of TOKEN_ENCRYPTION_KEYS. To change "
        "keys: put the new one before the old, restart, run this, then take the old one out."
    )

    def handle(self, **options: Any) -> None:
        written, unreadable = rotate_keys()
        self.stdout.write(f"Encrypted with the first key: {written}.")
        if unreadable:
            raise Error(
                f"None of TOKEN_ENCRYPTION_KEYS decrypts {unreadable} stored token(s), which were "
                "left as they are. Add the key that wrote them, or let their users connect again."
            )

"""Messages of the admin, one of which may show a new secret."""

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.messages.storage.session import SessionStorage

from shortlinks.domain.auth import field_encryption


class EncryptedMessages(SessionStorage):
    """Messages in the session until a page shows them, and in no cookie.

    They are encrypted, so that a copy of the database shows no secret.
    """

    def serialize_messages(self, messages: Sequence[Any]) -> str:
        return field_encryption.encrypt(super().serialize_messages(messages))

    def deserialize_messages(self, data: list[Any] | str | None) -> list[Any]:
        """Return no message if its key is no longer known."""
        if not isinstance(data, str):
            return []
        try:
            text = field_encryption.decrypt(data)
        except InvalidToken:
            return []
        return super().deserialize_messages(text) or []

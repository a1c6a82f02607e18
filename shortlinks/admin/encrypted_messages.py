"""Storage of the admin's messages, some of which show a new secret."""

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.messages.storage.session import SessionStorage

from shortlinks.domain.auth import field_encryption


class EncryptedMessages(SessionStorage):
    """Storage in the session, not in a cookie, until a page shows the messages.

    They are encrypted, so that a copy of the database shows no secret.
    """

    def serialize_messages(self, messages: Sequence[Any]) -> str:
        return field_encryption.encrypt(super().serialize_messages(messages))

    def deserialize_messages(self, data: list[Any] | str | None) -> list[Any]:
        """Return no messages if their key is no longer configured."""
        if not isinstance(data, str):
            return []
        try:
            text = field_encryption.decrypt(data)
        except InvalidToken:
            return []
        return super().deserialize_messages(text) or []

import json
from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter

from tests.identity_provider import settings


class Adapter(DefaultOIDCAdapter):  # type: ignore[misc]
    def get_claims(
        self, purpose: str, user: Any, client: Any, scopes: Any, **options: Any
    ) -> dict[str, Any]:
        """Return the claims of `people.json`, as they are now."""
        people = json.loads((settings.DIRECTORY / "people.json").read_text())
        return {"sub": self.get_user_sub(client, user), **people[user.username]}

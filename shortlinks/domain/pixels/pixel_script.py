"""The script that connected sites embed, and its HTML snippet."""

import hashlib
from base64 import b64encode
from pathlib import Path

from django.conf import settings

PATH = "/pixel/v1.js"
SCRIPT = Path(__file__).with_name("pixel_v1.js").read_bytes()
# For `integrity=`: a changed script needs a new version.
INTEGRITY = f"sha384-{b64encode(hashlib.sha384(SCRIPT).digest()).decode()}"


def snippet(site_key: str) -> str:
    return (
        f'<script src="{settings.SHORT_BASE_URL}{PATH}" data-site="{site_key}"'
        f' integrity="{INTEGRITY}" crossorigin="anonymous" defer></script>'
    )

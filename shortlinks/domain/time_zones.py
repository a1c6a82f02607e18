"""Time zones of accounts, looked up by name."""

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@cache
def get(name: str) -> ZoneInfo:
    """Return the zone, or UTC for an unknown name: better a wrong day than no note."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")

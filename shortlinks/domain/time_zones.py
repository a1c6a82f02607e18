"""Time zones by the names that accounts have."""

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@cache
def get(name: str) -> ZoneInfo:
    """UTC for a name that no longer is one: a wrong day is better than no note."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")

"""Time zones of accounts, looked up by name."""

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@cache
def get(name: str) -> ZoneInfo:
    """Return UTC for an unknown name: a wrong day is better than no note."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")

"""Rules of every content security policy, and all routes of API and admin."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

NARROW = {
    "default-src": {"'none'"},
    "script-src": {"'self'", "'none'"},
    "form-action": {"'self'", "'none'"},
    "base-uri": {"'none'"},
    "frame-ancestors": {"'none'"},
}
OWN = {"'self'", "'none'", "data:"}
SHA256 = re.compile(r"'sha256-[\w+/]{43}='")


def problems(policy: str) -> list[str]:
    """Return what the policy lacks, and sources that are neither ours nor a hash."""
    parts = [part.split() for part in policy.split(";")]
    found = {name: set(sources) for name, *sources in parts}
    found.setdefault("script-src", found.get("default-src", set()))
    lacking = [
        f"{name} {found.get(name)}"
        for name, allowed in NARROW.items()
        if not found.get(name) or not found[name] <= allowed
    ]
    foreign = {source for sources in found.values() for source in sources} - OWN
    return lacking + [each for each in foreign if not SHA256.fullmatch(each)]


def paths() -> set[str]:
    """Return an address for each route of web, with invented parameters."""
    return {f"/{path}" for path in _paths(get_resolver().url_patterns, "")}


def _paths(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + _example(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, route)
        else:
            yield route


def _example(route: str) -> str:
    """Fill the parameters of a route, or of a regular expression, with a 1."""
    filled = re.sub(r"\(\?P<\w+>(?:\[[^]]*\]|[^()[])*\)|<(?:\w+:)?\w+>", "1", route)
    return re.sub(r"[\^$]|\\Z", "", filled)

"""Decide which parameters of a visitor's query are passed on to the target.

A signed target stays as it is. A visitor's parameter never replaces one of the target,
whichever program reads the target's query.
"""

import re
from urllib.parse import unquote_plus

import ada_url

from shortlinks.domain.links import url_queries, url_signatures
from shortlinks.domain.pixels import click_tokens

MAX_QUERY_LENGTH = 2048

# PHP cuts spaces in front of a name and ends it at a NUL. It reads " ", "." and a "["
# that is not closed as "_" (`php_register_variable_ex` in its main/php_variables.c).

# PHP, Rails and qs read "a[b]" as a part of "a". ASP.NET ignores the case and reads
# "%u0061" as "a" (`HttpUtility.UrlDecode`).
_UNICODE_ESCAPE = re.compile(r"%u([0-9a-f]{4})", re.IGNORECASE)
_UNDERSCORES = re.compile(r"[ .\[]")


def add(target: str, query: bytes) -> str:
    """Return the target with the visitor's parameters, except those that it has."""
    if not query or len(query) > MAX_QUERY_LENGTH or url_signatures.is_signed(target):
        return target
    own = _names(url_queries.query_of(target))
    own.add(click_tokens.PARAMETER)  # never passed on from a visitor
    passed = [
        pair
        for pair in query.lstrip(b"?").decode("utf-8", "replace").split("&")
        if pair and own.isdisjoint(_names(pair))
    ]
    if not passed:
        return target
    url = ada_url.URL(target)
    url.search = "&".join([*filter(None, [url.search[1:]]), *passed])
    return url.href


def _names(query: str) -> set[str]:
    """Return the names that some program would read in the query."""
    pairs = [pair for pair in url_queries.split(query) if pair]
    return {name for pair in pairs for name in _spellings(pair)}


def _spellings(pair: str) -> set[str]:
    """Return the names that programs would read in the pair, "" if it has none."""
    encoded = _UNICODE_ESCAPE.sub(_character, pair.partition("=")[0])
    name = unquote_plus(encoded).lstrip().partition("\0")[0].casefold()
    array = name.partition("[")[0]
    return {_UNDERSCORES.sub("_", spelled) for spelled in (array, name)}


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))

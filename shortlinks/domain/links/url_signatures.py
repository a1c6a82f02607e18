"""Recognize signed URLs, whose query must not change.

`data/url_signatures.tsv` is reviewed by hand, each line with its source. A line has the
names of parameters that appear together, in which "*" is any text, and the value of the
first. The value "random" is a long one of letters and digits. Shorter values are often
names or page numbers.

An unsigned URL that looks signed only loses a visitor's parameters and the click token.
A signed URL with another parameter is refused by its server.
"""

import csv
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_plus

from shortlinks.domain.links import url_queries

PATH = Path(__file__).parents[1] / "data" / "url_signatures.tsv"
CACHE_SIZE = 4096

VALUES = {
    "any": re.compile(r"."),
    "random": re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[\w.~:/+=-]{16,}$"),
    "JWT": re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*$"),
}


class Signature(NamedTuple):
    """Patterns of the names of parameters, and of the value of the first."""

    value: re.Pattern[str]
    first: re.Pattern[str]
    others: frozenset[str]


def read() -> list[Signature]:
    with PATH.open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [_signature(row["parameters"], row["value"]) for row in rows]


def _signature(parameters: str, value: str) -> Signature:
    first, *others = parameters.split(" ")
    pattern = re.escape(first).replace(r"\*", ".*")
    return Signature(VALUES[value], re.compile(pattern), frozenset(others))


SIGNATURES = read()


@lru_cache(CACHE_SIZE)
def is_signed(url: str) -> bool:
    pairs = _pairs(url)
    names = frozenset(name for name, _ in pairs)
    return any(
        signature.others <= names and _has(signature, pairs) for signature in SIGNATURES
    )


def _has(signature: Signature, pairs: list[tuple[str, str]]) -> bool:
    return any(
        signature.first.fullmatch(name) and signature.value.match(value)
        for name, value in pairs
    )


def _pairs(url: str) -> list[tuple[str, str]]:
    """Return names in lower case, and values."""
    query = url_queries.query_of(url)
    pairs = [pair.partition("=") for pair in url_queries.split(query)]
    return [(unquote_plus(name).lower(), unquote_plus(text)) for name, _, text in pairs]

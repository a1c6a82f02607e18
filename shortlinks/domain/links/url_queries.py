"""The parts of a URL's query, as any program may separate them."""

import re

# Some programs separate parameters by ";".
_SEPARATORS = re.compile("[&;]")


def query_of(url: str) -> str:
    return url.partition("#")[0].partition("?")[2]


def split(query: str) -> list[str]:
    """Return the parameters, of which some may be empty."""
    return _SEPARATORS.split(query)

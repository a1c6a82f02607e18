"""Values of a cookie in a Cookie header, which several hosts may have set."""

import itertools
from collections.abc import Iterator

MAX_VALUES = 5  # of one name; further values are ignored


def values(header: bytes, prefix: bytes) -> Iterator[bytes]:
    """Yield the values of the cookies that begin with `name=`.

    The cookie of another host may come first, so callers verify each.
    """
    pairs = map(bytes.strip, header.split(b";"))
    own = (pair[len(prefix) :] for pair in pairs if pair.startswith(prefix))
    return itertools.islice(own, MAX_VALUES)

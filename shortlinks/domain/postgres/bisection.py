"""Find the rows for which a batch fails."""

import math
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

Row = TypeVar("Row")


class Bisection(Generic[Row]):
    """The parts of a batch that are still to be tried.

    A caller that fails with a part splits it, until the failing rows stand alone:

        parts = Bisection(batch)
        for part in parts:
            try:
                store(part)
            except DataError:
                if not parts.split(part):
                    reject(part[0])
    """

    def __init__(self, batch: Sequence[Row] = ()) -> None:
        self._waiting = [batch] if batch else []

    def __iter__(self) -> Iterator[Sequence[Row]]:
        while self._waiting:
            yield self._waiting.pop()

    def split(self, part: Sequence[Row]) -> bool:
        """Try the halves of this part next; return False if it is a single row."""
        half = len(part) // 2
        if half:
            self._waiting += [part[half:], part[:half]]
        return half > 0

    def split_slow(self, part: Sequence[Row]) -> bool:
        """Try many smaller parts next, because each failure takes long.

        A row that makes 1,000 fail is found by four more failures; halves take ten.
        """
        if len(part) > 1:
            size = math.isqrt(len(part))
            starts = range(0, len(part), size)
            self._waiting += [part[start : start + size] for start in reversed(starts)]
        return len(part) > 1

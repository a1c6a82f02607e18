"""Random histories over HTTP, compared with an oracle that was written from the docs.

`pytest --histories-over-http 10000` plays more than the usual 200, and
`--first-seed 4711` others. A history that differs is printed in the notation of
`histories.txt`, where it can be replayed.
"""

import logging
import time
from collections.abc import Iterator

import pytest

from tests.histories import batches
from tests.histories.generator import Generator
from tests.histories.player import Service

logger = logging.getLogger(__name__)

BATCH_SIZE = 500
MAX_SHOWN = 20


def _batches(seeds: range) -> Iterator[range]:
    for start in range(seeds.start, seeds.stop, BATCH_SIZE):
        yield range(start, min(start + BATCH_SIZE, seeds.stop))


def test_random_histories_agree_with_the_oracle(
    service: Service, request: pytest.FixtureRequest
) -> None:
    first = request.config.getoption("--first-seed")
    count = request.config.getoption("--histories-over-http")
    different: list[str] = []

    for seeds in _batches(range(first, first + count)):
        started = time.monotonic()
        histories = [Generator(seed).generate() for seed in seeds]
        found = batches.differences(histories, service)
        seconds = time.monotonic() - started
        logger.info("%s: %d differ, %.0f s", seeds, len(found), seconds)
        for difference in found:
            logger.info("%s", difference)
        different += found

    assert not different, "\n".join(
        [f"{len(different)} differ", *different[:MAX_SHOWN]]
    )

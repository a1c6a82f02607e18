"""Histories over HTTP: written ones and random ones, played in the same batches.

The written ones come from the docs alone, without looking at the code. The random ones
have an oracle, which was written from the docs, too.

`pytest --histories-over-http 10000` plays more than the usual 100, and
`--first-seed 4711` others. A history that differs is printed in the notation of
`histories.txt`, where it can be replayed.
"""

import itertools
import logging
import time
from pathlib import Path

import pytest

from tests.histories import batches, notation
from tests.histories.generator import generate
from tests.histories.player import Service

logger = logging.getLogger(__name__)

FILE = Path(__file__).with_name("histories.txt")
BATCH_SIZE = 500
MAX_SHOWN = 20


def test_histories_end_as_the_docs_say(
    service: Service, request: pytest.FixtureRequest
) -> None:
    first = request.config.getoption("--first-seed")
    seeds = range(first, first + request.config.getoption("--histories-over-http"))
    written = notation.parse(FILE.read_text())
    left = itertools.chain(written, map(generate, seeds))
    different: list[str] = []

    while batch := list(itertools.islice(left, BATCH_SIZE)):
        started = time.monotonic()
        found = batches.differences(batch, service)
        seconds = time.monotonic() - started
        logger.info("%s: %d differ, %.0f s", batch[-1].name, len(found), seconds)
        for difference in found:
            logger.info("%s", difference)
        different += found

    assert not different, "\n".join(
        [f"{len(different)} differ", *different[:MAX_SHOWN]]
    )

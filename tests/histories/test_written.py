"""Histories that were written from the docs alone, without looking at the code."""

from pathlib import Path

from tests.histories import batches, notation
from tests.histories.player import Service

FILE = Path(__file__).with_name("histories.txt")


def test_written_histories_end_as_the_docs_say(service: Service) -> None:
    histories = notation.parse(FILE.read_text())

    different = batches.differences(histories, service)

    assert not different, "\n".join([f"{len(different)} differ", *different])

"""Oracles with one changed rule each, as `mutations.txt` describes them.

Some random history must end differently, or random histories would not find the same
fault in the service.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tests.histories import decisions, facts, oracle
from tests.histories.oracle import Oracle

FILE = Path(__file__).with_name("mutations.txt")
SOURCES = [Path(str(module.__file__)) for module in (facts, decisions, oracle)]
OWN_IMPORT = re.compile(
    r"^from tests\.histories\.(facts|decisions) import (\([^)]*\)|.*)$", re.MULTILINE
)


@dataclass(frozen=True)
class Mutation:
    """A changed rule, and which text of the oracle is replaced."""

    name: str
    old: str
    new: str


def read() -> list[Mutation]:
    """Return what the file describes: a name, then lines with "-" and with "+"."""
    blocks = FILE.read_text().strip().split("\n\n")
    return [_mutation(*block.splitlines()) for block in blocks if block[0] != "#"]


def _mutation(name: str, *lines: str) -> Mutation:
    old, new = (
        "\n".join(line[2:] for line in lines if line[0] == sign) for sign in "-+"
    )
    return Mutation(name, old, new)


def apply(mutation: Mutation) -> type[Oracle]:
    """Return an oracle with the changed rule."""
    whole = "\n".join(OWN_IMPORT.sub("", path.read_text()) for path in SOURCES)
    assert whole.count(mutation.old) == 1, f"not once: {mutation.old!r}"
    changed: dict[str, Any] = {"__name__": oracle.__name__}
    exec(whole.replace(mutation.old, mutation.new), changed)  # noqa: S102  our own
    return cast("type[Oracle]", changed["Oracle"])

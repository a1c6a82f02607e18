"""Lines of a table to read, and the same results as JSON in `var/`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from systemtests import CHECKOUT


def folder(suite: str) -> Path:
    path = CHECKOUT / "var" / suite
    path.mkdir(parents=True, exist_ok=True)
    return path


def write(suite: str, content: Mapping[str, object], *, at: datetime) -> Path:
    encoded = msgspec.json.encode({"at": at.isoformat(timespec="seconds"), **content})
    path = folder(suite) / f"{at:%Y%m%dT%H%M%SZ}.json"
    path.write_bytes(msgspec.json.format(encoded) + b"\n")
    return path


def line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
    return " ".join(padded).rstrip()

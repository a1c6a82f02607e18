"""Read and write files of KEY=value lines, as a shell reads them with `. file`."""

import shlex
from collections.abc import Mapping
from pathlib import Path


def read(path: Path) -> dict[str, str]:
    return parse(path.read_text()) if path.exists() else {}


def parse(text: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key: "".join(shlex.split(value)) for key, value in pairs}


def write(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file atomically. Only its owner may read it."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    lines = (f"{key}={shlex.quote(value)}\n" for key, value in values.items())
    new.write_text("".join(lines))
    new.replace(path)

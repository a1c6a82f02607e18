"""Secrets as files, each named after its setting: made once, changed without a break.

A ring of keys changes in two steps, with all processes started anew after each: `add`,
by which every process knows the new key, and `use`, by which they sign with it. Else
one that was started already would sign what another does not know yet.
"""

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import keys

FOLDER = Path("/var/lib/shortlinks")
SERVICE = FOLDER / "keys"
FALLBACKS = "SECRET_KEY_FALLBACKS"
MOST_FALLBACKS = 3
USAGE = """\
keys make [STORE...]   secrets that are missing; each store's in a folder of its name
keys add RING          a new key that all know and none uses yet
keys use RING          the newest key is used from now on
keys drop RING         the oldest key is known no more
keys take NAME         one that is used elsewhere, from the standard input
keys renew NAME        a new password; or SECRET_KEY, and older ones still count\
"""


def change(arguments: Sequence[str]) -> None:
    match list(arguments):
        case ["make", *stores]:
            _make(stores)
        case [("add" | "use" | "drop") as step, ring] if ring in keys.ROTATED:
            _rotate(step, SERVICE / ring)
        case ["take", name] if name in keys.SERVICE:
            _write(SERVICE / name, sys.stdin.read().strip())
        case ["renew", name] if name == "SECRET_KEY" or name.endswith("_PASSWORD"):
            _renew(name)
        case _:
            sys.exit(USAGE)


def _make(stores: Sequence[str]) -> None:
    """What is there stays: with another key, tokens and cookies would be void."""
    made = {FALLBACKS: "", **keys.new()}
    for name in [*keys.SERVICE, FALLBACKS, *stores]:
        path = SERVICE / name
        if not path.exists():
            _write(path, made.get(name, secrets.token_urlsafe(48)))
    for name in stores:
        _write(FOLDER / name / name, (SERVICE / name).read_text())


def _rotate(step: str, path: Path) -> None:
    ring = path.read_text().split(",")
    numbers = [int(word.partition(":")[0].lstrip("k") or 0) for word in ring]
    if step == "add":
        ring.append(f"k{max(numbers) + 1}:{secrets.token_urlsafe(48)}")
    elif len(ring) < 2:
        sys.exit(f"{path.name} has one key alone")
    elif step == "use":
        newest = ring.pop(numbers.index(max(numbers)))
        ring.insert(0, newest)
    else:
        # The first signs, whatever its number.
        ring.remove(min(ring[1:], key=lambda word: numbers[ring.index(word)]))
    _write(path, ",".join(ring))


def _renew(name: str) -> None:
    path = SERVICE / name
    if name == "SECRET_KEY":
        before = (SERVICE / FALLBACKS).read_text().split(",")
        kept = [path.read_text(), *filter(None, before)][:MOST_FALLBACKS]
        _write(SERVICE / FALLBACKS, ",".join(kept))
    _write(path, secrets.token_urlsafe(48))
    if name.endswith("_PASSWORD"):
        _write(FOLDER / name / name, path.read_text())


def _write(path: Path, value: str) -> None:
    if path.exists() and path.read_text() == value:
        return
    new = path.with_name(f".{path.name}.new")
    new.write_text(value)
    new.chmod(0o444)  # the folder guards it: no container has it without need
    new.replace(path)
    print(f"[keys] {path.name} is written to {path.parent}", flush=True)

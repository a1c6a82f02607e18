"""Create and rotate secrets, each in a file named after its setting.

The folder `keys` has all of them, and only the container `keys` mounts it. Each process
has a folder of its own with copies of the secrets that it reads.

A key ring changes in two steps, with a restart of all processes after each: `add`
makes every process accept the new key, and `use` makes them sign with it. In one step,
a restarted process would sign with a key that others do not accept yet.
"""

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import keys

FOLDER = Path("/var/lib/shortlinks")
SERVICE = FOLDER / "keys"
FALLBACKS = "SECRET_KEY_FALLBACKS"
STORES = (keys.OWNER_PASSWORD, keys.APP_PASSWORD, "VALKEY_PASSWORD")
MAX_FALLBACKS = 3
USAGE = """\
keys make [STORE...]   create missing secrets; passwords also in a folder for each store
keys add RING          add a key that is accepted, but not used for signing yet
keys use RING          sign with the newest key
keys drop RING         stop accepting the oldest key
keys take NAME         store a secret from standard input
keys renew NAME        replace a password, or SECRET_KEY, whose old values stay valid\
"""


def change(arguments: Sequence[str]) -> None:
    """Change the secrets, then copy to each process the secrets that it reads."""
    _change(arguments)
    for folder, names in shared().items():
        if (FOLDER / folder).is_dir():
            for name in names:
                _write(FOLDER / folder / name, (SERVICE / name).read_text())


def shared() -> dict[str, tuple[str, ...]]:
    """Return the names of the secrets in each shared folder."""
    return {
        folder_of(role): (
            *names,
            *([FALLBACKS] if "SECRET_KEY" in names else []),
            *keys.store_passwords(role),
        )
        for role, names in keys.USED_BY.items()
    }


def folder_of(role: str) -> str:
    """Return the folder of the role; roles that read only store passwords share one.

    The owner's password is in a folder that only `migrate` gets.
    """
    has_own = keys.USED_BY[role] or role == "migrate"
    return f"keys-{role if has_own else 'stores'}"


def _change(arguments: Sequence[str]) -> None:
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
    """Keep existing secrets: a new key would invalidate tokens and cookies."""
    new = {FALLBACKS: "", **keys.new()}
    for name in [*keys.SERVICE, FALLBACKS, *stores]:
        path = SERVICE / name
        if not path.exists():
            _write(path, new.get(name, secrets.token_urlsafe(48)))
    for name in stores:
        _write(FOLDER / name / name, (SERVICE / name).read_text())


def _rotate(step: str, path: Path) -> None:
    ring = path.read_text().split(",")
    numbers = [int(word.partition(":")[0].lstrip("k") or 0) for word in ring]
    if step == "add":
        ring.append(f"k{max(numbers) + 1}:{secrets.token_urlsafe(48)}")
    elif len(ring) < 2:
        sys.exit(f"{path.name} has only one key: add another first")
    elif step == "use":
        newest = ring.pop(numbers.index(max(numbers)))
        ring.insert(0, newest)
    else:
        # Never the first one, which signs.
        ring.remove(min(ring[1:], key=lambda word: numbers[ring.index(word)]))
    _write(path, ",".join(ring))


def _renew(name: str) -> None:
    path = SERVICE / name
    if name == "SECRET_KEY":
        fallbacks = (SERVICE / FALLBACKS).read_text().split(",")
        kept = [path.read_text(), *filter(None, fallbacks)][:MAX_FALLBACKS]
        _write(SERVICE / FALLBACKS, ",".join(kept))
    _write(path, secrets.token_urlsafe(48))
    if name.endswith("_PASSWORD"):
        _write(FOLDER / name / name, path.read_text())


def _write(path: Path, value: str) -> None:
    if path.exists() and path.read_text() == value:
        return
    new = path.with_name(f".{path.name}.new")
    new.write_text(value)
    new.chmod(0o444)  # only containers that need it mount the folder
    new.replace(path)
    print(f"[keys] wrote {path.name} to {path.parent}", flush=True)

"""Messages to the user, one line each."""

import contextlib


def say(name: str, text: str) -> None:
    show(f"[{name}] {text}")


def show(text: str) -> None:
    # A closed terminal, or `| head`, must not interrupt a shutdown.
    with contextlib.suppress(OSError):
        print(text, flush=True)

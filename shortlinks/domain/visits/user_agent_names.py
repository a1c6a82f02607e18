"""Names in user agents, from data files that are read once.

`data/user_agent_names.tsv` is reviewed by hand, each line with its source: regular
expressions of apps, and names of programs. `data/crawler_names.txt` has the names that
`make crawler-names` takes from the package crawler-user-agents. Names are compared in
lowercase, as whole words.
"""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parents[1] / "data"
NAMES_PATH = _DATA / "user_agent_names.tsv"
CRAWLERS_PATH = _DATA / "crawler_names.txt"


def read_names(kind: str) -> list[str]:
    with NAMES_PATH.open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row["name"] for row in rows if row["kind"] == kind]


def read_crawlers() -> list[str]:
    lines = CRAWLERS_PATH.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def compile_names(names: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds names as whole words.

    The names form a tree of letters, so that every place in a text is compared once,
    not once for each name.
    """
    tree: dict[str, Any] = {}
    for name in names:
        node = tree
        lower = name.lower()
        for letter in lower:
            node = node.setdefault(letter, {})
        node["\b" if lower[-1].isalnum() else ""] = {}
    return re.compile(rf"(?<![a-z0-9])(?:{_branches(tree)})")


def compile_apps(expressions: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds apps, with a comment that may repeat the device.

    Most expressions begin with a word. They are tried only where one begins, which
    makes long agents four times as fast.
    """
    words: list[str] = []
    others: list[str] = []
    for expression in expressions:
        word = expression.removeprefix(r"\b")
        (others if word == expression else words).append(word)
    names = "|".join([rf"\b(?=\w)(?:{'|'.join(words)})", *others])
    return re.compile(rf"(?:{names})(?: ?\([^()]*\)?)?", re.IGNORECASE)


def _branches(tree: dict[str, Any]) -> str:
    ends = {"\b": "(?![a-z])", "": ""}
    branches = [
        ends[letter] if letter in ends else re.escape(letter) + _branches(node)
        for letter, node in sorted(tree.items(), reverse=True)
    ]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


APPS = compile_apps(read_names("app"))
PREVIEWS = compile_names(read_names("preview"))
BOTS = compile_names([*read_names("bot"), *read_crawlers()])
ELECTRON_MESSENGERS = compile_names(read_names("electron messenger"))
ELECTRON_BROWSERS = re.compile("|".join(read_names("electron browser")))

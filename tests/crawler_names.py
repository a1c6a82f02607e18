"""`make crawler-names`: take names of crawlers from the package crawler-user-agents.

    python -m tests.crawler_names crawler_user_agents-1.67.0-py3-none-any.whl

Names of previews are left out, because the general words find them, and so are names of
people's browsers and apps, which `user_agent_names.tsv` lists as "not a crawler". Names
with a general word of programs stay: behind a phone's browser, the word alone would be
an unknown app's.
"""

import json
import re
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from shortlinks.domain.visits import user_agent_names, user_agents

_MEMBER = "crawleruseragents/crawler-user-agents.json"
_HEADER = """\
# Names of crawlers in lowercase, from {release}
# (https://github.com/monperrus/crawler-user-agents, MIT licence, Copyright (c) 2017
# Martin Monperrus, see LICENSE.crawler-user-agents). Written by `make crawler-names`.
"""
_BOTH_CASES = re.compile(r"\[(\w)(\w)\]")
_ESCAPED = re.compile(r"\\(.)")


def main(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        rows = json.loads(file.read(_MEMBER))
    names = sorted(select(row["pattern"] for row in rows))
    header = _HEADER.format(release="-".join(wheel.name.split("-")[:2]))
    text = header + "".join(f"{name}\n" for name in names)
    user_agent_names.CRAWLERS_PATH.write_text(text, encoding="utf-8")


def select(patterns: Iterable[str]) -> set[str]:
    """Return the names that are neither previews' nor people's.

    Anchored patterns and other regular expressions are left out: an agent that does
    not begin like a browser's is a bot's anyway.
    """
    people = {name.lower() for name in user_agent_names.read_names("not a crawler")}
    names = {name for pattern in patterns for name in literals(pattern)}
    return {
        name
        for name in names
        if name not in people and not user_agents.has_word_of_preview(name)
    }


def literals(pattern: str) -> list[str]:
    one_case = _BOTH_CASES.sub(
        lambda found: found[1] if found[1].lower() == found[2].lower() else found[0],
        pattern,
    )
    if re.search(r"(?<!\\)[\[\]()^$*+?{}]", one_case):
        return []
    return [_ESCAPED.sub(r"\1", part).strip().lower() for part in one_case.split("|")]


if __name__ == "__main__":
    main(Path(sys.argv[1]))

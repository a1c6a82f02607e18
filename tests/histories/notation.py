"""The notation of histories: who did what in which browser, and who is one person.

`histories.txt` explains it at its top.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

STEPS = {
    "open": r"(?P<browser>[p-w]) opens (?P<link>[A-Z]\d)"
    r"( (?P<how>unprocessed|as staff))?",
    "land": r"(?P<browser>[p-w]) lands( (?P<how>without gesture|from elsewhere"
    r"|as another agent))?",
    "receive": r"(?P<browser>[p-w]) gets (?P<clicked>[p-w])'s click"
    r"( (?P<how>from the same address|as another agent))?",
    "chat": r"(?P<person>\w+) chats in (?P<browser>[p-w])",
    "scan": r"(?P<browser>g) scans (?P<links>[A-Z]\d( [A-Z]\d)*)",
    "merge": r"merge (?P<loser>\w+) into (?P<survivor>\w+)",
    "undo": r"undo merge (?P<number>\d+)",
    "undo_all": r"undo all",
    "edit": r"edit (?P<person>\w+)",
    "decide": r"(?P<decision>accept|reject) (?P<one>\w+) (?P<other>\w+)",
    "review": r"(?P<review>confirm|reject) (?P<browser>[p-w]) of (?P<person>\w+)",
    "detach": r"detach (?P<browser>[p-w]) of (?P<person>\w+)",
    "delete": r"delete (?P<person>\w+)",
    "restore": r"restore (?P<person>\w+)",
    "consent": r"(?P<consent>deny|grant) (?P<person>\w+)",
    "wait": r"pass (?P<number>\d+) (?P<unit>second|minute|hour|day)s?",
}
KEYS = ("name", "from", "mode", "known", "anonymous", "steps", "expect")
OUTCOMES = ("together", "suggested", "shared", "refused", "withdrawn")
COMMENT = re.compile(r"(^|\s)#.*")

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """A step with its kind, a key of `STEPS`, and the named parts of its text."""

    text: str
    kind: str
    parts: dict[str, str]

    @property
    def is_unprocessed(self) -> bool:
        return self.text.endswith(" unprocessed")


@dataclass(frozen=True)
class Outcome:
    """The people at the end, open suggestions, shared browsers and refused steps."""

    together: frozenset[Names] = frozenset()
    suggested: frozenset[tuple[frozenset[Names], str]] = frozenset()
    shared: Names = frozenset()
    refused: tuple[str, ...] = ()

    def __str__(self) -> str:
        pairs = [
            (" ".join(sorted("+".join(sorted(names)) for names in pair)), rule)
            for pair, rule in self.suggested
        ]
        lines = [
            *sorted(f"together: {' '.join(sorted(g))}" for g in self.together),
            *sorted(f"suggested: {pair} {rule}" for pair, rule in pairs),
            *([f"shared: {' '.join(sorted(self.shared))}"] if self.shared else []),
            *(f"refused: {text}" for text in self.refused),
        ]
        return "".join(f"  {line}\n" for line in lines)


@dataclass(frozen=True)
class History:
    """Contacts, steps, and the expected outcome."""

    name: str
    steps: tuple[Step, ...]
    known: tuple[str, ...] = ()
    anonymous: tuple[str, ...] = ()
    mode: str = "suggest"
    source: str = ""
    expect: Outcome = field(default_factory=Outcome)

    def __str__(self) -> str:
        steps = "".join(f"  {step.text}\n" for step in self.steps)
        return (
            f"name: {self.name}\nmode: {self.mode}\nknown: {' '.join(self.known)}\n"
            f"anonymous: {' '.join(self.anonymous)}\nsteps:\n{steps}"
            f"expect:\n{self.expect}"
        )

    @property
    def contacts(self) -> tuple[str, ...]:
        return (*self.known, *self.anonymous)


def parse_step(text: str) -> Step:
    """Raises ValueError."""
    for kind, pattern in STEPS.items():
        if match := re.fullmatch(pattern, text):
            parts = {k: v for k, v in match.groupdict().items() if v is not None}
            return Step(text, kind, parts)
    raise ValueError(f"not a step: {text!r}")


def parse(text: str) -> list[History]:
    """Return the histories, which are separated by blank lines. Raises ValueError."""
    lines = [COMMENT.sub("", line).rstrip() for line in text.splitlines()]
    raw = zip(text.splitlines(), lines, strict=True)
    # A line that is only a comment does not end a history.
    kept = [line for full, line in raw if line or not full.strip().startswith("#")]
    return [_history(block) for block in _blocks(kept)]


def split_people(groups: frozenset[Names], name: str) -> Names:
    """Return the person that this name belongs to."""
    return next((group for group in groups if name in group), frozenset({name}))


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for line in [*lines, ""]:
        if line:
            block.append(line)
        elif block:
            yield block
            block = []


def _history(block: list[str]) -> History:
    values: dict[str, list[str]] = {key: [] for key in KEYS}
    key = ""
    for line in block:
        if not line.startswith(" "):
            # One line may name both kinds of contacts.
            for part in re.split(r"\s{2,}(?=anonymous:)", line):
                key, _, rest = part.partition(":")
                values[key].extend([rest.strip()] if rest.strip() else [])
        else:
            values[key].append(line.strip())
    known = tuple(" ".join(values["known"]).split())
    anonymous = tuple(" ".join(values["anonymous"]).split())
    return History(
        name=" ".join(values["name"]),
        source=" ".join(values["from"]),
        mode=(values["mode"] or ["suggest"])[0],
        known=known,
        anonymous=anonymous,
        steps=tuple(parse_step(text) for text in values["steps"]),
        expect=_outcome(values["expect"]),
    )


def _outcome(lines: list[str]) -> Outcome:
    found: dict[str, list[str]] = {key: [] for key in OUTCOMES}
    for line in lines:
        key, colon, rest = line.partition(":")
        if colon:
            found[key].append(rest.strip())
        elif line != "none":
            raise ValueError(f"not an outcome: {line!r}")
    together = frozenset(
        frozenset(line.split()) for line in found["together"] if line != "none"
    )
    suggested = set()
    for line in found["suggested"]:
        if line != "none":
            one, other, rule = line.split()
            pair = {split_people(together, one), split_people(together, other)}
            suggested.add((frozenset(pair), rule))
    shared = frozenset(" ".join(found["shared"]).split()) - {"none"}
    refused = tuple(line for line in found["refused"] if line != "none")
    return Outcome(together, frozenset(suggested), shared, refused)

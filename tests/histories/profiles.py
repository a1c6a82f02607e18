"""Profiles of random histories: how many people, and which steps how often."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PASSES = (
    *("pass 12 minutes", "pass 40 minutes", "pass 1 hour", "pass 22 hours"),
    *("pass 25 hours", "pass 28 days", "pass 32 days", "pass 89 days", "pass 91 days"),
)
USUAL = {
    "open": 8,
    "chat": 6,
    "wait": 4,
    **dict.fromkeys(("land", "undo"), 2),
    **dict.fromkeys(("accept", "reject", "confirm", "lure", "scan", "edit"), 1),
    **dict.fromkeys(("land_elsewhere", "land_oddly", "open_unprocessed", "merge"), 1),
    **dict.fromkeys(("delete", "reject_browser", "detach", "known_chat"), 1),
}
USERS = {
    "chat": 6,
    **dict.fromkeys(("open", "accept", "undo"), 5),
    **dict.fromkeys(("reject", "confirm"), 4),
    "merge": 3,
    **dict.fromkeys(("wait", "known_chat"), 2),
    **dict.fromkeys(("edit", "delete"), 1),
}
AUTO = {"auto": 5, "suggest": 1}


@dataclass(frozen=True)
class Profile:
    """Scenes come first, then single steps with these weights.

    `known` and `anonymous` are the smallest and the largest number of contacts, `steps`
    that of single steps.
    """

    known: tuple[int, int]
    scenes: tuple[str, ...] = ()
    weights: Mapping[str, int] = field(default_factory=lambda: USUAL)
    browsers: int = 2
    visitors: int = 3
    anonymous: tuple[int, int] = (0, 0)
    links: int = 3
    steps: tuple[int, int] = (0, 4)
    passes: tuple[str, ...] = PASSES
    modes: Mapping[str, int] = field(
        default_factory=lambda: {"suggest": 8, "auto": 8, "off": 1}
    )


PROFILES = (
    Profile((1, 4), browsers=3, anonymous=(0, 2), steps=(5, 12)),
    Profile((1, 2), browsers=1, anonymous=(0, 1), steps=(5, 12)),
    Profile((2, 3), weights=USERS, anonymous=(0, 1), steps=(6, 14)),
    Profile((1, 2), ("settle_in", "leave"), modes=AUTO, visitors=2),
    Profile((1, 2), ("settle_in", "share"), modes=AUTO, visitors=2),
    Profile((1, 1), ("settle_in",), modes=AUTO, visitors=2),
    Profile((1, 1), ("settle_in",), modes=AUTO, visitors=2, steps=(0, 2)),
    Profile((1, 1), ("settle_in",), modes=AUTO, visitors=2, steps=(0, 2)),
    Profile((1, 2), ("forward", "quarrel"), visitors=2),
    Profile((1, 1), ("forward",), visitors=2, steps=(0, 2)),
    Profile((1, 1), ("forward",), visitors=2, steps=(0, 2)),
    Profile((1, 1), ("forward", "spread"), visitors=2, steps=(0, 0)),
    Profile((1, 1), ("spread",), visitors=2, steps=(0, 2)),
    Profile((1, 1), ("spread",), visitors=2, steps=(0, 2)),
    Profile((1, 2), ("crowd",), visitors=8),
    Profile((1, 1), ("crowd",), visitors=8, steps=(0, 2)),
    Profile((1, 1), ("return_late",), steps=(0, 1)),
    Profile((1, 2), ("return_late",)),
    Profile((1, 2), ("return_late", "move")),
    Profile((2, 3), ("share",)),
    Profile((2, 2), ("share",), steps=(0, 2)),
    Profile((3, 4), ("gather",), anonymous=(0, 1)),
    Profile((3, 3), ("gather", "leave"), anonymous=(0, 1)),
    Profile((2, 2), ("gather_anonymous",), anonymous=(1, 2), steps=(0, 2)),
    Profile((1, 2), ("gather_anonymous",), anonymous=(2, 2)),
    Profile((2, 3), ("leave", "move"), steps=(0, 2)),
    Profile((2, 3), ("lure_twice",)),
    Profile((2, 2), ("lure_twice", "move"), steps=(0, 2)),
    Profile((1, 2), ("quarrel",), weights=USERS),
    Profile((2, 3), ("answer",), weights=USERS),
    Profile((2, 2), ("part",), steps=(0, 2)),
    Profile((2, 3), ("part",), weights=USERS, anonymous=(0, 1)),
    Profile((2, 3), ("part", "answer"), weights=USERS),
    Profile((2, 4), ("answer", "share"), weights=USERS, anonymous=(0, 1)),
)

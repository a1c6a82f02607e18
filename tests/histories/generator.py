"""Random histories with the outcome that the oracle expects."""

import random

from tests.histories.facts import DAY, MONTHS, SESSION
from tests.histories.notation import History
from tests.histories.profiles import PROFILES, Profile
from tests.histories.scenes import Scenes

LIMITS = (SESSION, DAY, 30 * DAY, MONTHS)
MAX_STEP = 1.5  # minutes that a step takes at most
MAX_STEPS = 18  # all histories of a batch wait for the longest


def generate(seed: int) -> History:
    """Return a history in which no time is near a limit of the rules."""
    dice = random.Random(seed)
    profile = PROFILES[seed % len(PROFILES)]
    played = _play(dice, profile)
    while len(played.steps) > MAX_STEPS or _is_ambiguous(played.times):
        played = _play(dice, profile)
    return History(
        name=f"seed {seed}",
        steps=tuple(played.steps),
        known=played.known,
        anonymous=played.anonymous,
        mode=played.mode,
        expect=played.oracle.outcome(),
    )


def _play(dice: random.Random, profile: Profile) -> Scenes:
    played = Scenes(dice, profile)
    weights = profile.weights
    kinds = dice.choices(
        list(weights), [*weights.values()], k=dice.randint(*profile.steps)
    )
    # Some single steps come first.
    before = dice.randint(0, len(kinds)) if dice.random() < 0.3 else 0
    for kind in [*kinds[:before], *profile.scenes, *kinds[before:]]:
        getattr(played, kind)()
    return played


def _is_ambiguous(times: list[float]) -> bool:
    """Return whether a limit may pass earlier than the oracle assumes."""
    return any(
        limit - MAX_STEP * (later - earlier) < until - since <= limit
        for later, until in enumerate(times)
        for earlier, since in enumerate(times[:later])
        for limit in LIMITS
    )

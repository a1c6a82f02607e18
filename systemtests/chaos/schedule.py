"""The accounts and links of an experiment, and the time of each open."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shortlinks.models import User
from systemtests import seed
from systemtests.traffic import Kind, Open

# Longer than a burst of a second with a delay, shorter than the pause until the next.
SHORT_WINDOW_SECONDS = 4
GROUPS = 7
# The keys are numbers modulo 20. All other opens are people's.
MACHINES = {5: Kind.PREVIEW, 10: Kind.BOT, 15: Kind.HEAD, 18: Kind.PREFETCH}


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """One account with the default note window, one with a short window."""

    steady_user: User
    burst_user: User
    steady: Sequence[str]  # codes whose opens make one note each
    bursts: Sequence[Sequence[str]]  # groups that are opened for a second each

    @property
    def account_ids(self) -> list[int]:
        return [user.account_id or 0 for user in (self.steady_user, self.burst_user)]

    @property
    def codes(self) -> list[str]:
        return [*self.steady, *(code for group in self.bursts for code in group)]


def create(*, steady: int, links_per_burst: int) -> Seeded:
    steady_user = seed.new_user()
    burst_user = seed.new_user(note_window=SHORT_WINDOW_SECONDS)
    bursts = _codes(burst_user, GROUPS * links_per_burst)
    return Seeded(
        steady_user=steady_user,
        burst_user=burst_user,
        steady=_codes(steady_user, steady),
        bursts=[bursts[group::GROUPS] for group in range(GROUPS)],
    )


def opens(seeded: Seeded, count: int, *, rate: float, servers: int) -> Iterator[Open]:
    """Yield opens at an even rate; the first ones open each link at each server."""
    codes = seeded.codes
    persons = {code: number for number, code in enumerate(codes)}
    first = [(code, server) for code in codes for server in range(servers)]
    for number in range(count):
        due = number / rate
        if number < len(first):
            code, server = first[number]
        else:
            code, server = _code(seeded, number, int(due)), number // 2 % servers
        kind = MACHINES.get(number % 20, Kind.PERSON)
        yield Open(number, persons[code], code, due, server=server, kind=kind)


def _code(seeded: Seeded, number: int, second: int) -> str:
    if number % 2:
        group = seeded.bursts[second % len(seeded.bursts)]
        return group[number // 2 % len(group)]
    return seeded.steady[number // 2 % len(seeded.steady)]


def _codes(user: User, count: int) -> Sequence[str]:
    return seed.new_links(user, seed.new_contacts(user, count))

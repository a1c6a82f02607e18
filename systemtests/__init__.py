"""Tests of the whole system, whose promises are in docs/reliability.md.

- `chaos` kills, freezes and restarts every part under load (`make chaos`).
- `drills` upgrades, breaks and restores a Docker installation (`make drills`).
- `benchmarks` compares speed and memory with a baseline (`make bench`).
"""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


class InvalidRun(Exception):
    """A run that proves nothing, with the reason."""

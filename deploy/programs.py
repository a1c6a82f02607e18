"""Programs that run until they are stopped."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Rank(IntEnum):
    """Order of starting; programs are stopped in reverse order."""

    STORES = 10
    WORKER = 20
    SERVERS = 30
    BEAT = 40


@dataclass(frozen=True, kw_only=True)
class Program:
    name: str
    command: tuple[str, ...]
    rank: Rank
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: int = 20

"""What a fault is: how it comes, how it goes, and what else must be true after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from faults.service import DOORS, Service


class Fault(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def doors(self) -> frozenset[int]:
        """The redirects' processes that it hits itself."""

    def prepare(self, service: Service) -> None:
        """Before the load."""

    def inject(self, service: Service) -> None:
        """In the midst of the load, which goes on."""

    def lift(self, service: Service) -> None:
        """Some seconds later."""

    def clear(self, service: Service) -> None:
        """When all was counted, or something failed: as it was before."""

    def broken(self) -> Sequence[str]:
        """Promises of this fault alone that were broken."""


def _nothing(_: Service) -> None:
    """Most faults need no preparation."""


@dataclass(frozen=True, kw_only=True)
class Simple:
    """A fault of parts of the service as they are."""

    name: str
    parts: tuple[str, ...]
    inject: Callable[[Service], None]
    lift: Callable[[Service], None] = field(default=_nothing)
    prepare: Callable[[Service], None] = field(default=_nothing)
    clear: Callable[[Service], None] = field(default=_nothing)

    @property
    def doors(self) -> frozenset[int]:
        return frozenset(DOORS.index(part) for part in self.parts if part in DOORS)

    def broken(self) -> Sequence[str]:
        return ()


def kill(*parts: str) -> Simple:
    def inject(service: Service) -> None:
        for part in parts:
            service.parts[part].kill()

    def lift(service: Service) -> None:
        service.start(*parts)

    name = f"kill {' + '.join(parts)}"
    return Simple(name=name, parts=parts, inject=inject, lift=lift)


def freeze(*parts: str) -> Simple:
    def inject(service: Service) -> None:
        for part in parts:
            service.parts[part].freeze()

    def lift(service: Service) -> None:
        for part in parts:
            service.parts[part].thaw()

    name = f"freeze {' + '.join(parts)}"
    return Simple(name=name, parts=parts, inject=inject, lift=lift)


def restart(*parts: str) -> Simple:
    def inject(service: Service) -> None:
        for part in parts:
            service.parts[part].stop()
        service.start(*parts)

    name = f"restart {' + '.join(parts)}"
    return Simple(name=name, parts=parts, inject=inject)

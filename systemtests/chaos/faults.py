"""Faults that can be injected, and the faults of single parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from systemtests.chaos.service import REDIRECTS, Service


class Fault:
    """A fault of the service; each step may do nothing."""

    name: str
    # Indexes of the redirect processes that it hits itself.
    redirects: frozenset[int] = frozenset()

    def prepare(self, service: Service) -> None:
        """Prepare the fault, before the load starts."""

    def inject(self, service: Service) -> None:
        """Inject the fault, while the load continues."""

    def lift(self, service: Service) -> None:
        """Remove the fault, some seconds later."""

    def clear(self, service: Service) -> None:
        """Restore the service after the comparison, or after an error."""

    def broken(self) -> Sequence[str]:
        """Return the broken promises that concern only this fault."""
        return ()

    def figures(self) -> Sequence[str]:
        """Return measurements that concern only this fault, as lines of text."""
        return ()


@dataclass(kw_only=True)
class PartFault(Fault):
    """A fault of some parts, without any preparation."""

    verb: str
    parts: tuple[str, ...]
    on_inject: Callable[[Service], None]
    on_lift: Callable[[Service], None] = lambda _: None

    def __post_init__(self) -> None:
        self.name = f"{self.verb} {' + '.join(self.parts)}"
        hit = [part for part in self.parts if part in REDIRECTS]
        self.redirects = frozenset(REDIRECTS.index(part) for part in hit)

    def inject(self, service: Service) -> None:
        self.on_inject(service)

    def lift(self, service: Service) -> None:
        self.on_lift(service)


def kill(*parts: str) -> PartFault:
    def inject(service: Service) -> None:
        for part in parts:
            service.parts[part].kill()

    def lift(service: Service) -> None:
        service.start(*parts)

    return PartFault(verb="kill", parts=parts, on_inject=inject, on_lift=lift)


def freeze(*parts: str) -> PartFault:
    def inject(service: Service) -> None:
        for part in parts:
            service.parts[part].freeze()

    def lift(service: Service) -> None:
        for part in parts:
            service.parts[part].thaw()

    return PartFault(verb="freeze", parts=parts, on_inject=inject, on_lift=lift)


def restart(*parts: str) -> PartFault:
    def inject(service: Service) -> None:
        for part in parts:
            service.parts[part].stop()
        service.start(*parts)

    return PartFault(verb="restart", parts=parts, on_inject=inject)


class NoFault(Fault):
    name = "nothing, for comparison"

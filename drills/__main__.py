"""python -m drills [changeover | healing | restoring ...]: what operators rely on.

Needs a Docker engine and Compose; builds the images and starts an installation of its
own, which it removes at the end with its data. An exit code of 1: a promise broke.
"""

import argparse
import sys
from collections.abc import Callable

from drills import changeover, healing, restoring
from drills.findings import Findings
from drills.installation import DrillFailed, Installation, wait_until

DRILLS: dict[str, Callable[[Findings, Installation], None]] = {
    "changeover": changeover.drill,
    "healing": healing.drill,
    "restoring": restoring.drill,
}
HEALTHY_SECONDS = 180.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m drills")
    parser.add_argument("drills", nargs="*", metavar="DRILL", help=", ".join(DRILLS))
    parser.add_argument(
        "--keep", action="store_true", help="leave the last one running"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.drills) - DRILLS.keys()
    if unknown:
        parser.error(f"no such drill: {', '.join(unknown)}")
    found = Findings()
    for name in arguments.drills or DRILLS:
        _run(found, name, keep=arguments.keep)
    found.note("everything held" if found.held else "NOT everything held")
    return 0 if found.held else 1


def _run(found: Findings, name: str, *, keep: bool) -> None:
    installation = Installation()
    found.note(f"--- {name}")
    try:
        _begin(found, installation)
        DRILLS[name](found, installation)
    except DrillFailed as failure:
        found.expect(str(failure), holds=False)
    finally:
        if not keep:
            installation.compose("down", "--volumes", "--remove-orphans")


def _begin(found: Findings, installation: Installation) -> None:
    installation.compose("down", "--volumes", "--remove-orphans")
    installation.compose("build")
    installation.compose("up", "-d")
    seconds = wait_until(installation.are_well, seconds=HEALTHY_SECONDS, what="healthy")
    found.note(f"healthy {seconds:.0f} s after `up -d`")
    installation.bootstrap()


if __name__ == "__main__":
    sys.exit(main())

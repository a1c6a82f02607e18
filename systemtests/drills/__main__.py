"""Run the drills: `python -m systemtests.drills --help`.

They need a Docker engine and Compose. They build the images and start an installation
with its own name and ports, which is removed at the end with its data.
"""

import argparse
import sys
from collections.abc import Callable

from systemtests import InvalidRun
from systemtests.drills import least_privilege, recovery, restore, rolling_upgrade
from systemtests.drills.installation import HEALTHY_SECONDS, Installation
from systemtests.drills.results import Results

DRILLS: dict[str, Callable[[Results, Installation], None]] = {
    "rolling_upgrade": rolling_upgrade.drill,
    "least_privilege": least_privilege.drill,
    "recovery": recovery.drill,
    "restore": restore.drill,
}


def main() -> int:
    """Return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m systemtests.drills")
    parser.add_argument("drills", nargs="*", metavar="DRILL", help=", ".join(DRILLS))
    parser.add_argument(
        "--keep", action="store_true", help="leave the last installation running"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.drills) - DRILLS.keys()
    if unknown:
        parser.error(f"no such drill: {', '.join(unknown)}")
    results = Results()
    for name in arguments.drills or DRILLS:
        _run(results, name, keep=arguments.keep)
    results.note("everything held" if results.held else "NOT everything held")
    return 0 if results.held else 1


def _run(results: Results, name: str, *, keep: bool) -> None:
    installation = Installation()
    results.note(f"--- {name}")
    try:
        installation.remove()
        installation.compose("build")
        installation.compose("up", "-d")
        seconds = installation.wait_until_healthy("`up -d`", seconds=HEALTHY_SECONDS)
        results.note(f"healthy {seconds:.0f} s after `up -d`")
        installation.bootstrap()
        DRILLS[name](results, installation)
    except InvalidRun as failure:
        results.expect(str(failure), holds=False)
    finally:
        if not keep:
            installation.remove()


if __name__ == "__main__":
    sys.exit(main())

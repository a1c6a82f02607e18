"""`python -m devserver run | exec -- COMMAND... | manage COMMAND...`"""

import argparse
import os
import sys
from pathlib import Path

from devserver import console, manage, service, temporary_stores, wall_clock
from devserver.errors import RunError
from devserver.signals import Interrupted

CHECKOUT = Path(__file__).resolve().parent.parent


def main() -> int:
    arguments = _parser().parse_args()
    try:
        if arguments.action == "run":
            return service.run(arguments.project.resolve())
        if arguments.action == "manage":
            return manage.run(arguments.project.resolve(), arguments.command)
        with wall_clock.shifted(arguments.days_ahead):
            return temporary_stores.execute(arguments.command, arguments.dir)
    except Interrupted as interrupted:
        return 128 + interrupted.signum
    except wall_clock.CompilerMissing as missing:
        console.say(
            arguments.action, f"skipped without {wall_clock.PACKAGE}: {missing}"
        )
        return 1 if os.environ.get("CI") else 0
    except (RunError, OSError) as error:
        console.say(arguments.action, f"error: {error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devserver")
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="run the whole service until Ctrl-C")
    run.add_argument("--project", type=Path, default=CHECKOUT, metavar="DIR")
    execute = actions.add_parser("exec", help="run a command with temporary stores")
    execute.add_argument("--dir", type=Path, help="keep the stores' logs there")
    execute.add_argument("--days-ahead", type=int, default=0, help="shift the clock")
    execute.add_argument("command", nargs="+")
    administer = actions.add_parser("manage", help="manage.py with the settings of run")
    administer.add_argument("--project", type=Path, default=CHECKOUT, metavar="DIR")
    administer.add_argument("command", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())

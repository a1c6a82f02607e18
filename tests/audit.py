"""Look for known vulnerabilities in the pinned packages: `make audit`.

Exits with 1 if there are any, and with 0 where no advisories can be reached.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

FILES = ("requirements.txt", "requirements-tracing.txt", "requirements-devserver.txt")
REQUEST_SECONDS = 10
MAX_SECONDS = 120
NOT_AUDITED = "[audit] not audited: no advisories can be reached"


def main(tool: str) -> int:
    try:
        done = subprocess.run(
            (tool, *arguments()), capture_output=True, text=True, timeout=MAX_SECONDS
        )
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        lines, is_vulnerable = [NOT_AUDITED], False
    else:
        lines, is_vulnerable = report(packages)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return int(is_vulnerable)


def arguments() -> list[str]:
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    options += ["--format", "json", "--timeout", str(REQUEST_SECONDS)]
    return [*options, *(word for file in FILES for word in ("--requirement", file))]


def report(packages: Sequence[dict[str, Any]]) -> tuple[list[str], bool]:
    """Return the lines to print, and whether a package is vulnerable."""
    skipped = sorted(each["name"] for each in packages if "skip_reason" in each)
    found = [
        f"[audit] {each['name']} {each['version']}: {', '.join(v['id'] for v in bad)}"
        for each in packages
        if (bad := each.get("vulns"))
    ]
    if packages and len(skipped) == len(packages):
        return [NOT_AUDITED], False
    audited = len(packages) - len(skipped)
    lines = [*found, f"[audit] {audited} packages audited, {len(found)} vulnerable"]
    if skipped:
        lines.append(f"[audit] not audited: {', '.join(skipped)}")
    return lines, bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

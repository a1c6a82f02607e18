"""Programs of Debian packages that some tests need."""

import os
from collections import Counter
from collections.abc import Iterable

import pytest

from devserver import apt

MISSING = "missing package: "


def find(name: str, *, package: str) -> str:
    """Return the path of a program. If missing, skip the test, or fail it in CI."""
    if found := apt.program(name, package=package):
        return found
    if os.environ.get("CI"):
        pytest.fail(f"a package is missing in CI: {package}")
    pytest.skip(f"{MISSING}{package}")


def summary(skip_reasons: Iterable[str]) -> str:
    """Return one line on the tests that were skipped for a missing package."""
    parts = (reason.partition(MISSING) for reason in skip_reasons)
    counts = Counter(package for _, found, package in parts if found)
    if not counts:
        return ""
    listed = ", ".join(f"{package} ({n})" for package, n in sorted(counts.items()))
    return (
        f"{counts.total()} tests skipped for missing packages: {listed}."
        f" Install them with: sudo apt-get install {' '.join(sorted(counts))}"
    )

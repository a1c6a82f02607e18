import re
import subprocess
import sys

import pytest

from devserver import apt, wall_clock
from tests import programs, prose


@pytest.fixture(autouse=True)
def no_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "program", lambda name, package: None)
    monkeypatch.delenv("CI", raising=False)


def test_process_of_an_unmarked_test_is_refused() -> None:
    with pytest.raises(RuntimeError, match="mark it with `process`"):
        subprocess.run([sys.executable, "--version"], check=True)


def test_missing_program_skips_a_test() -> None:
    with pytest.raises(pytest.skip.Exception, match="missing package: php-cli"):
        programs.find("php", package="php-cli")


def test_missing_program_fails_a_test_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")

    with pytest.raises(pytest.fail.Exception, match="missing in CI: php-cli"):
        programs.find("php", package="php-cli")


def test_summary_counts_skipped_tests_by_package() -> None:
    reasons = [f"Skipped: {programs.MISSING}{p}" for p in ("php-cli", "wrk", "php-cli")]

    assert programs.summary([*reasons, "Skipped: another reason"]) == (
        "3 tests skipped for missing packages: php-cli (2), wrk (1)."
        " Install them with: sudo apt-get install php-cli wrk"
    )
    assert programs.summary([]) == ""


def test_ci_installs_the_packages_that_tests_need() -> None:
    sources = [path.read_text() for path in prose.ROOT.glob("tests/**/*.py")]
    needed = {p for text in sources for p in re.findall(r'package="([\w-]+)"', text)}
    [listed] = re.findall(
        r"packages=\((.*)\)", (prose.ROOT / ".ci" / "run").read_text()
    )

    assert needed | {wall_clock.PACKAGE} <= set(listed.split())

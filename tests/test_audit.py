"""The lines that `make audit` prints."""

from typing import Any

import pytest

from tests import audit

SAFE: dict[str, Any] = {"name": "django", "version": "5.2", "vulns": []}
VULNERABLE = {"name": "old", "version": "1", "vulns": [{"id": "PYSEC-1"}]}
SKIPPED = {"name": "local", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "lines", "is_vulnerable"),
    [
        ([SAFE], ["1 packages audited, 0 vulnerable"], False),
        (
            [SAFE, VULNERABLE],
            ["old 1: PYSEC-1", "2 packages audited, 1 vulnerable"],
            True,
        ),
        (
            [SAFE, SKIPPED],
            ["1 packages audited, 0 vulnerable", "not audited: local"],
            False,
        ),
        ([SKIPPED], ["not audited: no advisories can be reached"], False),
    ],
)
def test_audit_names_what_is_vulnerable_and_what_was_not_audited(
    packages: list[dict[str, Any]], lines: list[str], *, is_vulnerable: bool
) -> None:
    expected = [f"[audit] {line}" for line in lines]

    assert audit.report(packages) == (expected, is_vulnerable)

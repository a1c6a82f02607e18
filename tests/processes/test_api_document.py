"""schemathesis checks a running server against its OpenAPI document."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from shortlinks.api.gates import CONTEXT_USER
from shortlinks.api.openapi.document import operations
from shortlinks.models import User
from tests import factories, openapi_examples

# The result also depends on rows, so a 400 is allowed for valid requests.
NOT_CHECKED = "positive_data_acceptance"
# for each operation and phase; the same in every run
MAX_EXAMPLES = 6
DEADLINE = 300


def run_schemathesis(
    web: httpx.Client, user: User, directory: Path, *, phases: str, header: str
) -> subprocess.CompletedProcess[str]:
    document = directory / "openapi.json"
    document.write_text(json.dumps(closed_document(without=header)))
    return subprocess.run(
        (
            *(sys.executable, "-m", "schemathesis.cli", "run", str(document)),
            *("--url", str(web.base_url), "--phases", phases),
            *("--exclude-checks", NOT_CHECKED, "--warnings", "off", "--no-color"),
            *("--header", f"Authorization: Bearer {factories.token(user)}"),
            *("--generation-deterministic", "--max-examples", str(MAX_EXAMPLES)),
        ),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )


def closed_document(*, without: str) -> Any:
    """Return the closed document without a header, or as it is for an empty name."""
    document = openapi_examples.closed_document()
    for path in document["paths"].values():
        for operation in path.values():
            kept = [p for p in operation.get("parameters", []) if p["name"] != without]
            operation["parameters"] = kept
    return document


# A manager may not send this header, so each answer would be 403.
@pytest.mark.parametrize(
    ("role", "phases", "header"),
    [
        pytest.param("admin", "examples,coverage,fuzzing,stateful", "", id="admin"),
        pytest.param(
            "manager", "examples,coverage,fuzzing", CONTEXT_USER, id="manager"
        ),
    ],
)
def test_server_responses_match_the_document(
    web: httpx.Client, tmp_path: Path, role: str, phases: str, header: str
) -> None:
    user: User = getattr(openapi_examples.create_rows(), role)

    process = run_schemathesis(web, user, tmp_path, phases=phases, header=header)

    assert process.returncode == 0, process.stdout + process.stderr
    assert f"Tested: {len(operations())}" in process.stdout

"""schemathesis checks a running server against its OpenAPI document."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from shortlinks.api.openapi.document import operations
from shortlinks.models import User
from tests import factories, openapi_examples

PHASES = "examples,coverage,fuzzing,stateful"
# The result also depends on rows, so a 400 is allowed for valid requests.
NOT_CHECKED = "positive_data_acceptance"
# for each operation and phase; the same in every run
MAX_EXAMPLES = 6
DEADLINE = 300


def run_schemathesis(
    web: httpx.Client, user: User, directory: Path, *, phases: str
) -> subprocess.CompletedProcess[str]:
    document = directory / "openapi.json"
    document.write_text(json.dumps(openapi_examples.closed_document()))
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


@pytest.mark.parametrize(
    ("role", "phases"), [("admin", PHASES), ("manager", "examples,fuzzing")]
)
def test_server_responses_match_the_document(
    web: httpx.Client, tmp_path: Path, role: str, phases: str
) -> None:
    user: User = getattr(openapi_examples.create_rows(), role)

    process = run_schemathesis(web, user, tmp_path, phases=phases)

    assert process.returncode == 0, process.stdout + process.stderr
    assert f"Tested: {len(operations())}" in process.stdout

"""The running server against its own OpenAPI document, asked by schemathesis."""

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
# Which rows there are decides, too, so a 400 may answer what the schemas allow.
NOT_CHECKED = "positive_data_acceptance"
# For each operation and phase; they are the same in every run.
MOST_EXAMPLES = 6
DEADLINE = 300


def schemathesis(
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
            *("--generation-deterministic", "--max-examples", str(MOST_EXAMPLES)),
        ),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )


@pytest.mark.parametrize(
    ("role", "phases"), [("admin", PHASES), ("manager", "examples,fuzzing")]
)
def test_the_server_keeps_to_its_document(
    web: httpx.Client, tmp_path: Path, role: str, phases: str
) -> None:
    user: User = getattr(openapi_examples.create_rows(), role)

    done = schemathesis(web, user, tmp_path, phases=phases)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Tested: {len(operations())}" in done.stdout

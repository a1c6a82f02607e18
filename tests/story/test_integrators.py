"""The samples of docs/integrators.md run as they stand, against the real server."""

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from embedded import debian
from shortlinks.models import ApiToken
from tests import exemplary, factories

PAGE = Path(settings.BASE_DIR) / "docs" / "integrators.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = {"sh": "s.sh", "python": "s.py", "php": "s.php", "javascript": "s.mjs"}
PROGRAMS = {"sh": "bash", "php": "php", "javascript": "node"}
PACKAGES = {"bash": "bash", "php": "php-cli", "node": "nodejs"}
SECONDS = 60
# What differs from run to run, as the page shows it.
SHOWN = (
    (r"https://go\.example\.com/\w{12}", "https://go.example.com/XXXXXXXXXXXX"),
    (r'((?:created|updated|occurred)_at":)\d+', r"\g<1>1795000000"),
    (r'"[0-9a-f-]{36}"', '"019a8f6e-2f4d-7c31-9c0e-5b1f6a1d2c3e"'),
)


@dataclass(frozen=True, slots=True)
class Sample:
    language: str
    code: str
    printed: str


def samples() -> Iterator[Sample]:
    """Each block of code with the block that says what it prints."""
    blocks = BLOCK.findall(PAGE.read_text())
    for (language, code), (kind, printed) in itertools.pairwise(blocks):
        if language in FILES and not code.startswith("export "):
            assert kind in {"json", "text"}, f"what does this print?\n{code}"
            yield Sample(language, code, printed)


SAMPLES = {f"{n}-{each.language}": each for n, each in enumerate(samples(), 1)}
PATIENT = [name for name, each in SAMPLES.items() if "Retry-After" in each.code]


def interpreter(language: str) -> str:
    if language == "python":
        return sys.executable
    name = PROGRAMS[language]
    package = PACKAGES[name]
    found = debian.program(name, package=package)
    assert found, (
        f"{name} runs the samples of the docs and is not on PATH: install it (on Debian"
        f" or Ubuntu `apt-get install {package}`)"
    )
    return found


def shown(printed: str, web: httpx.Client) -> object:
    """The output with the page's addresses, times and codes."""
    text = printed.replace(str(web.base_url).rstrip("/"), "https://links.example.com")
    text = text.replace(settings.SHORT_BASE_URL, "https://go.example.com")
    for pattern, replacement in SHOWN:
        text = re.sub(pattern, replacement, text)
    return json.loads(text) if text.startswith("{") else text


def run(sample: Sample, directory: Path, web: httpx.Client, token: str) -> str:
    file = directory / FILES[sample.language]
    file.write_text(sample.code)
    base_url = str(web.base_url).rstrip("/")
    done = subprocess.run(
        (interpreter(sample.language), str(file)),
        env={**os.environ, "BASE_URL": base_url, "TOKEN": token},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_prints_what_the_page_says(
    web: httpx.Client, tmp_path: Path, name: str
) -> None:
    sample = SAMPLES[name]
    token = factories.token(exemplary.world().admin)

    printed = run(sample, tmp_path, web, token)

    assert shown(printed, web) == shown(sample.printed, web)


@pytest.mark.parametrize("name", PATIENT)
def test_a_sample_that_can_wait_comes_again(
    web: httpx.Client, tmp_path: Path, name: str
) -> None:
    """The token's one request of this second is spent."""
    sample = SAMPLES[name]
    token = factories.token(exemplary.world().admin)
    ApiToken.objects.update(rate=1)
    web.get("/api/v4/account", headers={"Authorization": f"Bearer {token}"})

    printed = run(sample, tmp_path, web, token)

    assert shown(printed, web) == shown(sample.printed, web)


def test_the_page_has_all_four_languages() -> None:
    assert {sample.language for sample in SAMPLES.values()} == set(FILES)
    assert len(PATIENT) == 3

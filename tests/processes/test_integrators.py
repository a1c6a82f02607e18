"""The samples of docs/integrators.md run against the real server."""

import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from standardwebhooks import Webhook as Verifier

from shortlinks.api.resources.fields import NOTE
from shortlinks.domain.webhooks import events, secret_encryption
from shortlinks.domain.webhooks.sender import Sender
from shortlinks.models import ApiToken, Webhook, WebhookEvent
from tests import factories, openapi_examples, programs, services

PAGE = Path(django_settings.BASE_DIR) / "docs" / "integrators.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAMES = {"sh": "s.sh", "python": "s.py", "php": "s.php", "javascript": "s.mjs"}
PROGRAMS = {"sh": "bash", "php": "php", "javascript": "node"}
PACKAGES = {"bash": "bash", "php": "php-cli", "node": "nodejs"}
SECONDS = 60
# Values that differ between runs, and those on the page.
NORMALIZED = (
    (r"https://go\.example\.com/\w{12}", "https://go.example.com/XXXXXXXXXXXX"),
    (r'((?:created|updated|occurred)_at":)\d+', r"\g<1>1795000000"),
    (r'"[0-9a-f-]{36}"', '"019a8f6e-2f4d-7c31-9c0e-5b1f6a1d2c3e"'),
    (r'("id":)\d+(,"destination")', r"\g<1>7000512\g<2>"),
    (r'("created_by":)[1-9]\d*', r"\g<1>504141"),
    (r'"whsec_[^"]+"', '"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="'),
)


@dataclass(frozen=True, slots=True)
class Sample:
    language: str
    code: str
    printed: str


def samples() -> Iterator[Sample]:
    """Return each block of code with the block of its output."""
    blocks = BLOCK.findall(PAGE.read_text())
    for (language, code), (kind, printed) in itertools.pairwise(blocks):
        if language in FILE_NAMES and not code.startswith("export "):
            assert kind in {"json", "text"}, f"no output for\n{code}"
            yield Sample(language, code, printed)


ALL = {f"{n}-{each.language}": each for n, each in enumerate(samples(), 1)}
RECEIVERS = [name for name, each in ALL.items() if "WEBHOOK_SECRET" in each.code]
SAMPLES = {name: each for name, each in ALL.items() if name not in RECEIVERS}
WITH_RETRY = [name for name, each in SAMPLES.items() if "Retry-After" in each.code]


def interpreter(language: str) -> str:
    if language == "python":
        return sys.executable
    name = PROGRAMS[language]
    return programs.find(name, package=PACKAGES[name])


def normalized(printed: str, web: httpx.Client) -> object:
    """Return the output with the addresses, times and codes of the page."""
    text = printed.replace(str(web.base_url).rstrip("/"), "https://links.example.com")
    text = text.replace(django_settings.SHORT_BASE_URL, "https://go.example.com")
    for pattern, replacement in NORMALIZED:
        text = re.sub(pattern, replacement, text)
    return json.loads(text) if text.startswith("{") else text


def run(sample: Sample, directory: Path, web: httpx.Client, token: str) -> str:
    file = directory / FILE_NAMES[sample.language]
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
def test_sample_prints_the_output_of_the_page(
    web: httpx.Client, tmp_path: Path, name: str
) -> None:
    sample = SAMPLES[name]
    token = factories.token(openapi_examples.create_rows().admin)

    printed = run(sample, tmp_path, web, token)

    assert normalized(printed, web) == normalized(sample.printed, web)


@pytest.mark.parametrize("name", WITH_RETRY)
def test_sample_retries_after_429(web: httpx.Client, tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    token = factories.token(openapi_examples.create_rows().admin)
    ApiToken.objects.update(rate=1)
    web.get("/api/v4/account", headers={"Authorization": f"Bearer {token}"})

    printed = run(sample, tmp_path, web, token)

    assert normalized(printed, web) == normalized(sample.printed, web)


@contextlib.contextmanager
def running_receiver(
    sample: Sample, directory: Path, port: int, secret: str
) -> Iterator[Any]:
    """Run the sample as a server that prints to the file `printed`."""
    file = directory / FILE_NAMES[sample.language]
    file.write_text(sample.code)
    served = ("-S", f"127.0.0.1:{port}") if sample.language == "php" else ()
    with (directory / "printed").open("wb") as output:
        process = subprocess.Popen(
            (interpreter(sample.language), *served, str(file)),
            env={**os.environ, "PORT": str(port), "WEBHOOK_SECRET": secret},
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            services.wait_for(lambda: responds(client))
            yield client
    finally:
        process.terminate()
        process.wait(10)


def responds(client: httpx.Client) -> bool:
    """Return whether the receiver rejects a request without a signature."""
    try:
        return client.post("/", content=b"").status_code == 401
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("name", RECEIVERS)
def test_receiver_accepts_only_valid_signatures(
    transactional_db: None, tmp_path: Path, settings: Settings, name: str
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    account = openapi_examples.create_rows().admin.account
    assert account is not None
    Webhook.objects.all().delete()  # those of the examples have no receiver
    port = services.free_port()
    _, secret = factories.webhook(account, f"http://127.0.0.1:{port}/")
    events.enqueue(WebhookEvent.NOTE_CONTACT, [NOTE])

    with running_receiver(ALL[name], tmp_path, port, secret) as client:
        statuses = [
            client.post("/", content=b"a=1", headers=headers).status_code
            for headers in invalid_headers(secret)
        ]
        with Sender() as sender:
            services.wait_for(lambda: not sender.step())

    assert (sender.accepted, sender.failed) == (1, 0)
    assert (tmp_path / "printed").read_text() == ALL[name].printed
    assert statuses == [401, 401, 401, 401]


def invalid_headers(secret: str) -> Iterator[dict[str, str]]:
    """Return signatures by another key, of another body, and old or malformed ones."""
    now = datetime.now(UTC)
    old = now - timedelta(minutes=6)
    other = secret_encryption.new()
    for key, sent, body in (
        (other, now, "a=1"),
        (secret, now, "a=2"),
        (secret, old, "a=1"),
    ):
        signature = Verifier(key).sign("msg", sent, body)
        yield signature_headers(str(int(sent.timestamp())), signature)
    yield signature_headers("nonsense", "v1,\xe9")


def signature_headers(sent: str, signature: str) -> dict[str, Any]:
    return {
        "webhook-id": "msg",
        "webhook-timestamp": sent,
        "webhook-signature": signature.encode("latin-1"),
        "Content-Type": "application/x-www-form-urlencoded",
    }


def test_page_has_samples_in_all_languages() -> None:
    assert {sample.language for sample in SAMPLES.values()} == set(FILE_NAMES)
    assert len(WITH_RETRY) == len(RECEIVERS) == 3

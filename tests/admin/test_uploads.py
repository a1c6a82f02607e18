"""Forbidden and oversized uploads are rejected before they reach the disk."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from shortlinks.domain.imports import spreadsheets
from shortlinks.models import Import, User
from tests.admin.test_contact_imports import PATH

# Larger than Django keeps in memory.
MANY_BYTES = 4 * 1024 * 1024


@pytest.fixture(autouse=True)
def unwritable_disk(settings: Settings) -> None:
    """Make every write to disk fail."""
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"


def _browser(user: User | None) -> Client:
    """Return a client with a forged CSRF cookie, for which Django reads the form."""
    client = Client(enforce_csrf_checks=True)
    if user is not None:
        client.force_login(user)
    client.cookies["csrftoken"] = "a" * 32
    return client


def _status(client: Client, size: int, path: str = PATH) -> int:
    file = SimpleUploadedFile("contacts.csv", b"x" * size, "text/csv")
    return client.post(path, {"file": file}).status_code


@pytest.mark.parametrize("path", [PATH, "/admin/login/", "/admin/nothing/"])
def test_anonymous_upload_is_not_stored(db: None, path: str) -> None:
    assert _status(_browser(None), MANY_BYTES, path) == 403


def test_upload_of_a_manager_is_not_stored(manager: User) -> None:
    assert _status(_browser(manager), MANY_BYTES) == 403


def test_upload_above_the_limit_is_rejected(admin: User) -> None:
    assert _status(_browser(admin), spreadsheets.MAX_FILE_BYTES + 100_000) == 400
    assert not Import.objects.exists()


def test_upload_of_an_administrator_is_stored(admin: User) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        _status(_browser(admin), MANY_BYTES)

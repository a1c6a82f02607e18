"""Files of strangers, and endless ones, are refused before they reach the disk."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from shortlinks.domain.imports import spreadsheets
from shortlinks.models import Import, User
from tests.admin.test_imports import PATH

# Larger than what is kept in memory.
MANY_BYTES = 4 * 1024 * 1024


@pytest.fixture(autouse=True)
def no_place(settings: Settings) -> None:
    """Whoever writes a file fails, and so would the request."""
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"


def _browser(user: User | None) -> Client:
    """With a cookie that anybody can make up: the form is read for its token."""
    client = Client(enforce_csrf_checks=True)
    if user is not None:
        client.force_login(user)
    client.cookies["csrftoken"] = "a" * 32
    return client


def _status(client: Client, size: int, path: str = PATH) -> int:
    file = SimpleUploadedFile("contacts.csv", b"x" * size, "text/csv")
    return client.post(path, {"file": file}).status_code


@pytest.mark.parametrize("path", [PATH, "/admin/login/", "/admin/nothing/"])
def test_a_strangers_file_is_not_kept(db: None, path: str) -> None:
    assert _status(_browser(None), MANY_BYTES, path) == 403


def test_nor_is_a_managers(manager: User) -> None:
    assert _status(_browser(manager), MANY_BYTES) == 403


def test_nobody_sends_more_than_a_table(admin: User) -> None:
    assert _status(_browser(admin), spreadsheets.MAX_FILE_BYTES + 100_000) == 400
    assert not Import.objects.exists()


def test_an_administrators_file_is(admin: User) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        _status(_browser(admin), MANY_BYTES)

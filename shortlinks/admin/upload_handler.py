"""Check of uploads: only users who may import, only files within the limit."""

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from shortlinks.admin.import_upload import can_import
from shortlinks.domain.imports import file_errors, spreadsheets
from shortlinks.models import User

# Other parts of the form.
MAX_OVERHEAD_BYTES = 64 * 1024


class ImportUploadHandler(FileUploadHandler):
    """First upload handler, which rejects a file before a byte is written to disk.

    Django reads the form for its CSRF token, so views are too late to check.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.skipped: list[tuple[str, str]] = []  # fields and names of the files

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],  # noqa: N803  Django's name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        if content_length > spreadsheets.MAX_FILE_BYTES + MAX_OVERHEAD_BYTES:
            raise RequestDataTooBig(file_errors.TOO_LARGE)

    def new_file(
        self, field_name: str, file_name: str, *args: Any, **kwargs: Any
    ) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        user = getattr(self.request, "user", None)
        if self.request is None or not isinstance(user, User):
            self.skipped.append((field_name, file_name))
            raise SkipFile  # the page that follows keeps the other fields
        if not can_import(self.request):
            raise PermissionDenied

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        return None

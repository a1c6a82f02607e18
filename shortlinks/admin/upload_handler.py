"""Files are taken of who may import them, and no larger than a table may be."""

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from shortlinks.admin.import_upload import can_import
from shortlinks.domain.imports import spreadsheets

# Of the form around the file.
MAX_OVERHEAD_BYTES = 64 * 1024


class ImportUploadHandler(FileUploadHandler):
    """The first upload handler: it refuses before a byte is written to the disk.

    The form is read to find its CSRF token, and so before any view is asked.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],  # noqa: N803  Django's name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        if content_length > spreadsheets.MAX_FILE_BYTES + MAX_OVERHEAD_BYTES:
            raise RequestDataTooBig(spreadsheets.TOO_LARGE)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.request is None or not can_import(self.request):
            raise PermissionDenied

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        return None

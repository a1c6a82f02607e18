"""Admin pages for imports: list, progress, preview, and errors as CSV."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, islice
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext

from shortlinks import tasks
from shortlinks.admin import exports
from shortlinks.admin.base import current_user, is_administrator
from shortlinks.admin.import_upload import PAGES, UploadPage
from shortlinks.admin.row_actions import ActionResult, RowActionAdmin, done
from shortlinks.domain.imports import file_errors, lifecycle
from shortlinks.models import Import, ImportRow, ImportState

MAX_SHOWN = 100
# A due import starts within this time, by a message or by beat's next sweep.
START_TIMEOUT = timedelta(seconds=15)
PROGRESS_STEP = 10  # percent; a screen reader does not announce each batch


@admin.register(Import)
class ImportAdmin(RowActionAdmin[Import]):
    list_display = (
        "created_at",
        "name",
        "kind",
        "user",
        "state",
        "total",
        "created",
        "changed",
        "unchanged",
        "skipped",
    )
    list_select_related = ("user",)
    ordering = ("-id",)
    row_actions: ClassVar[tuple[str, ...]] = ("store", "cancel")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path(
                "<path:object_id>/progress/",
                view(self.progress),
                name="shortlinks_import_progress",
            ),
            path(
                "<path:object_id>/errors.csv",
                view(self.errors),
                name="shortlinks_import_errors",
            ),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the progress, the preview or the result."""
        row = self._viewable_row(request, object_id)
        page = PAGES[row.kind]
        title = {"title": f"{page.title}: {row.name}", "upload_page": page}
        common = self.admin_site.each_context(request)
        context = {**common, **title, **_shown(row, page)}
        context["is_own"] = row.user == current_user(request)
        return TemplateResponse(request, "shortlinks/import_page.html", context)

    def progress(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the progress; the browser polls it until the import ends."""
        row = self._viewable_row(request, object_id)
        response = render(request, "shortlinks/import_progress.html", _progress(row))
        if not row.is_in_progress:
            response.headers["X-Ended"] = "1"
        return response

    def errors(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._viewable_row(request, object_id)
        content, content_type = exports.as_csv(_error_table(row))
        response = HttpResponse(content, content_type=content_type)
        name = f'attachment; filename="errors-{row.pk}.csv"'
        response.headers["Content-Disposition"] = name
        return response

    def has_action_permission(self, request: HttpRequest, row: Import) -> bool:
        return is_administrator(request)

    def store(self, request: HttpRequest, row: Import) -> ActionResult:
        user = current_user(request)
        if row.user != user:
            text = gettext("Only the user who uploaded the file can import it.")
            return text, messages.ERROR
        if not lifecycle.confirm(row, by=user):
            return gettext("This import has already started or ended."), messages.ERROR
        tasks.enqueue_imports()
        return done(gettext("Import started."))

    def cancel(self, request: HttpRequest, row: Import) -> ActionResult:
        if not lifecycle.cancel(row):
            return gettext("This import has already ended."), messages.ERROR
        return done(gettext("Canceled."))

    def _viewable_row(self, request: HttpRequest, object_id: str) -> Import:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.row(request, object_id)


def _shown(row: Import, page: UploadPage) -> dict[str, Any]:
    """Return what the page shows: the progress, or a preview or result with rows.

    Rows with errors come first.
    """
    if row.is_in_progress:
        return _progress(row)
    with_errors = row.rows.exclude(errors=[]).order_by("number")
    valid = row.rows.filter(errors=[]).order_by("number")
    rows = islice(chain(with_errors[:MAX_SHOWN], valid[:MAX_SHOWN]), MAX_SHOWN)
    needs_confirmation = row.state == ImportState.CHECKED
    count = row.processed if needs_confirmation else with_errors.count()
    return {
        "row": row,
        "needs_confirmation": needs_confirmation,
        "summary": lifecycle.summary(row),
        "error": file_errors.translate(row.error) if row.error else "",
        "lines": [(each, _cells(each, page), _errors(each)) for each in rows],
        "hidden_rows": max(0, count - MAX_SHOWN),
    }


def _progress(row: Import) -> dict[str, Any]:
    percent = row.processed * 100 // row.total if row.total else 0
    is_overdue = row.due_at is not None and row.due_at < timezone.now() - START_TIMEOUT
    return {
        "row": row,
        "percent": percent - percent % PROGRESS_STEP,
        "is_late": is_overdue and not lifecycle.is_any_running(),
        "is_storing": row.state == ImportState.STORING,
    }


def _cells(row: ImportRow, page: UploadPage) -> list[str]:
    return [
        " ".join(filter(None, (row.cells.get(name) for name in names)))
        for _label, names in page.preview_columns
    ]


def _errors(row: ImportRow) -> list[str]:
    return [file_errors.translate(error) for error in row.errors]


def _error_table(row: Import) -> Iterator[list[Any]]:
    """Yield rows with errors under the import's own column names."""
    names = lifecycle.SPECS[row.kind].columns
    yield [*names, gettext("Row"), gettext("Errors")]
    for each in row.rows.exclude(errors=[]).order_by("number").iterator():
        cells = [each.cells.get(name, "") for name in names]
        yield [*cells, each.number, " ".join(_errors(each))]

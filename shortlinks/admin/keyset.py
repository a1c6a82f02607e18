"""Lists with keyset pagination: every page costs the same, nothing is counted."""

from typing import TYPE_CHECKING, Any, Protocol, cast

from django.contrib.admin.views import main
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold import views as unfold

if TYPE_CHECKING:
    StyledList = main.ChangeList
else:
    StyledList = unfold.ChangeList

OLDER = "older"
NEWER = "newer"
# Rows that one page may scan if no index applies.
MAX_ROWS_SCANNED = 50_000


class Lister(Protocol):
    def needs_scan_limit(self, request: HttpRequest) -> bool: ...


class KeysetPaginator(Paginator[Model]):
    """Paginator that links to the older and the newer page only."""

    template_name = "shortlinks/older_newer.html"


class CountedList(StyledList):
    """List that counts rows only if they are filtered."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


class KeysetList(StyledList):
    """List by descending id, where each page starts after the end of another."""

    older: str = ""
    newer: str = ""
    # Rows scanned, or 0 if none are left.
    rows_scanned: int = 0

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return ["-pk"]

    def get_filters_params(self, params: Any = None) -> Any:
        """Drop the position: a new filter starts at the first page."""
        for name in (OLDER, NEWER):
            self.filter_params.pop(name, None)
        return super().get_filters_params(params)

    def get_results(self, request: HttpRequest) -> None:
        rows = self._page(request)
        self.result_list = rows
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = KeysetPaginator(rows, self.list_per_page)

    def _page(self, request: HttpRequest) -> list[Model]:
        size = self.list_per_page
        if (before := self._pk(request, NEWER)) is not None:
            end = self._end(request, "pk", {"pk__gt": before})
            ahead = {"pk__gt": before} | ({} if end is None else {"pk__lte": end})
            found = list(self.queryset.filter(**ahead).order_by("pk")[: size + 1])
            rows = found[:size][::-1]
            self._set_links(
                newer=rows[:1] if len(found) > size else [], older=rows[-1:]
            )
            self._mark_truncated(end, NEWER, is_full=len(found) > size)
            return rows
        after = self._pk(request, OLDER)
        below = {} if after is None else {"pk__lt": after}
        end = self._end(request, "-pk", below)
        within = below | ({} if end is None else {"pk__gte": end})
        found = list(self.queryset.filter(**within)[: size + 1])
        rows = found[:size]
        self._set_links(
            newer=rows[:1] if after is not None else [],
            older=rows[-1:] if len(found) > size else [],
        )
        self._mark_truncated(end, OLDER, is_full=len(found) > size)
        return rows

    def _end(self, request: HttpRequest, order: str, bounds: dict[str, Any]) -> Any:
        """Return the id at which the scan stops, or None if it covers all rows."""
        if not cast(Lister, self.model_admin).needs_scan_limit(request):
            return None
        rows = self.model._default_manager.filter(**bounds).order_by(order)
        pks = rows.values_list("pk", flat=True)
        return pks[MAX_ROWS_SCANNED - 1 : MAX_ROWS_SCANNED].first()

    def _mark_truncated(self, end: Any, direction: str, *, is_full: bool) -> None:
        """Mark a page whose scan ended early, and let the next page continue there."""
        if end is None or is_full:
            return
        self.rows_scanned = MAX_ROWS_SCANNED
        setattr(self, direction, self.get_query_string({direction: end}))

    def _set_links(self, *, newer: list[Model], older: list[Model]) -> None:
        for direction, rows in ((NEWER, newer), (OLDER, older)):
            if rows:
                address = self.get_query_string({direction: rows[0].pk})
                setattr(self, direction, address)

    def _pk(self, request: HttpRequest, name: str) -> Any:
        """Return the id at which the page starts, or None if missing or invalid."""
        value = request.GET.get(name)
        if not value:
            return None
        try:
            return self.model._meta.pk.to_python(value)
        except ValidationError:
            return None

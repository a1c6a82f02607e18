"""Lists that open as fast on their last page as on the first, and count nothing."""

from typing import TYPE_CHECKING, Any

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


class Pages(Paginator[Model]):
    """What the list's foot is made of: it knows the two neighbours, no number."""

    template_name = "shortlinks/older_newer.html"


class KeysetList(StyledList):
    """Rows by their ids, the newest first; a page begins where another ended."""

    older: str = ""
    newer: str = ""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return ["-pk"]

    def get_filters_params(self, params: Any = None) -> Any:
        """Without the place in the list: another filter begins at its top."""
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
        self.paginator = Pages(rows, self.list_per_page)

    def _page(self, request: HttpRequest) -> list[Model]:
        most = self.list_per_page
        if (before := self._pk(request, NEWER)) is not None:
            found = list(self.queryset.filter(pk__gt=before).order_by("pk")[: most + 1])
            rows = found[:most][::-1]
            self._lead(rows, newer=len(found) > most, older=True)
            return rows
        after = self._pk(request, OLDER)
        below = {} if after is None else {"pk__lt": after}
        found = list(self.queryset.filter(**below)[: most + 1])
        rows = found[:most]
        self._lead(rows, newer=after is not None, older=len(found) > most)
        return rows

    def _lead(self, rows: list[Model], *, newer: bool, older: bool) -> None:
        if rows and older:
            self.older = self.get_query_string({OLDER: rows[-1].pk})
        if rows and newer:
            self.newer = self.get_query_string({NEWER: rows[0].pk})

    def _pk(self, request: HttpRequest, name: str) -> Any:
        """The row that the page begins at; what is no id begins at the top."""
        said = request.GET.get(name)
        if not said:
            return None
        try:
            return self.model._meta.pk.to_python(said)
        except ValidationError:
            return None

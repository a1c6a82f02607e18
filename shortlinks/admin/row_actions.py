"""Buttons on the page of a row, each with its own POST view."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from shortlinks.admin.base import AccountScopedAdmin, Row
from shortlinks.admin.sign_in import recent_sign_in

ActionResult = tuple[str, int]


class RowActionAdmin(AccountScopedAdmin[Row]):
    """Pages with actions on one row: methods that return a message and its level."""

    row_actions: ClassVar[tuple[str, ...]] = ()
    # Labels of the buttons by action, unless the template has its own.
    buttons: ClassVar[Mapping[str, Any]] = {}

    def has_action_permission(self, request: HttpRequest, row: Row) -> bool:
        return False

    def extra_context(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        return {}

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(require_POST(self._view(name))),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
            )
            for name in self.row_actions
        ]
        return [*own, *super().get_urls()]

    def _view(self, action: str) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            row = self.row(request, object_id)
            if not self.has_action_permission(request, row):
                raise PermissionDenied
            if self.asks_to_sign_in_again:
                recent_sign_in.require(request)
            text, level = getattr(self, action)(request, row)
            self.log_action(request, [row], text)
            self.message_user(request, text, level)
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(name, args=[row.pk]))

        return view

    def row(self, request: HttpRequest, object_id: str) -> Row:
        """Return the row if the user may view it, or raise 404."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return row

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        extra = dict(extra_context or {})
        if row is not None:
            is_allowed = self.has_action_permission(request, row)
            extra |= {
                "has_action_permission": is_allowed,
                "buttons": self.buttons,
                **self.extra_context(request, row),
            }
        return super().change_view(request, object_id, form_url, extra)


def done(text: str) -> ActionResult:
    return text, messages.SUCCESS

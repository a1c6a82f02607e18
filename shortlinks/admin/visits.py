"""Visits: what came, what was concluded, and what was set aside."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.base import is_administrator
from shortlinks.admin.row_actions import ActionResult, RowActionAdmin, done
from shortlinks.domain.visits import processing
from shortlinks.models import ShortLink, Verdict, Visit


class DeadLetteredFilter(admin.SimpleListFilter):
    title = _("set aside")
    parameter_name = "dead_lettered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Visit]
    ) -> QuerySet[Visit]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(dead_lettered_at__isnull=False)


@admin.register(Visit)
class VisitAdmin(RowActionAdmin[Visit]):
    change_form_template = "admin/shortlinks/row_actions.html"
    steps = ("retry",)
    buttons: ClassVar[dict[str, Any]] = {"retry": _("Requeue")}
    account_path = "link__account_id"
    fields = (
        "occurred_at",
        "source_url",
        "method",
        "user_agent",
        "accept_language",
        "referer",
        "sec_fetch",
        "purpose",
        "staff",
        "address",
        "verdict",
        "why",
        "attempts",
        "due_at",
        "processed_at",
        "overridden_at",
        "dead_lettered_at",
        "last_error",
    )
    list_display = (
        "occurred_at",
        "source_url",
        "verdict",
        "why",
        "attempts",
        "processed_at",
        "dead_lettered_at",
    )
    list_filter = ("verdict", DeadLetteredFilter)
    ordering = ("-id",)
    indexed_filters = (("dead_lettered", "yes"),)
    max_selected = 1000
    actions = ("count_as_person", "count_as_machine", "requeue")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Visit]:
        """With the url beside it, not joined: the link may be gone."""
        link = ShortLink.objects.filter(pk=OuterRef("link_id"))
        rows = super().get_queryset(request)
        return rows.annotate(link_url=Subquery(link.values("url")))

    def has_override_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def has_action_permission(self, request: HttpRequest, row: Visit) -> bool:
        return is_administrator(request) and row.dead_lettered_at is not None

    def retry(self, request: HttpRequest, row: Visit) -> ActionResult:
        processing.requeue([row.pk])
        return done(gettext("Requeued."))

    @admin.display(description=_("source url"))
    def source_url(self, visit: Visit) -> str:
        return getattr(visit, "link_url", None) or gettext("the link is gone")

    @admin.display(description=_("reason"))
    def why(self, visit: Visit) -> str:
        """In the reader's language; a reason may have a second one behind it."""
        said = [gettext(part) for part in visit.reason.split("; ") if part]
        return "; ".join(said) or self.get_empty_value_display()

    @admin.action(
        description=_("Overrule: opened by a person"), permissions=["override"]
    )
    def count_as_person(self, request: HttpRequest, queryset: QuerySet[Visit]) -> None:
        self._override(request, queryset, Verdict.PERSON)

    @admin.action(
        description=_("Overrule: opened by a machine"), permissions=["override"]
    )
    def count_as_machine(self, request: HttpRequest, queryset: QuerySet[Visit]) -> None:
        self._override(request, queryset, Verdict.BOT)

    def _override(
        self, request: HttpRequest, queryset: QuerySet[Visit], verdict: Verdict
    ) -> None:
        chosen = list(queryset[: self.max_selected + 1])
        if len(chosen) > self.max_selected:
            text = gettext("Choose at most %(most)d visits at once.")
            refused = text % {"most": self.max_selected}
            self.message_user(request, refused, messages.ERROR)
            return
        overruled = processing.override_verdict([visit.pk for visit in chosen], verdict)
        said = gettext("Overruled: %(verdict)s.")
        self.log_action(request, chosen, said % {"verdict": gettext(verdict.label)})
        text = gettext("Visits overruled: %(count)d. Notes follow the verdicts.")
        self.message_user(request, text % {"count": overruled})

    @admin.action(description=_("Requeue selected visits"), permissions=["override"])
    def requeue(self, request: HttpRequest, queryset: QuerySet[Visit]) -> None:
        ids = queryset.filter(dead_lettered_at__isnull=False).values_list(
            "id", flat=True
        )
        count = {"count": processing.requeue(ids)}
        self.message_user(request, gettext("Visits requeued: %(count)d.") % count)

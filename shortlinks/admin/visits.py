"""Admin pages for visits, with actions on verdicts and on failed visits."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.base import is_administrator
from shortlinks.admin.row_actions import ActionResult, RowActionAdmin, done
from shortlinks.domain import known_networks, reasons
from shortlinks.domain.visits import processing
from shortlinks.models import ShortLink, Verdict, Visit


class DeadLetteredFilter(admin.SimpleListFilter):
    title = _("processing failed")
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
    row_actions = ("retry",)
    buttons: ClassVar[dict[str, Any]] = {"retry": _("Requeue")}
    account_path = "link__account_id"
    fields = (
        "occurred_at",
        "source_url",
        "visit_count",
        "method",
        "user_agent",
        "accept_language",
        "referer",
        "sec_fetch",
        "accepts_html",
        "purpose",
        "staff",
        "address",
        "network",
        "verdict",
        "certainty",
        "explanation",
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
        "visit_count",
        "verdict",
        "certainty",
        "explanation",
        "attempts",
        "processed_at",
        "dead_lettered_at",
    )
    list_filter = ("verdict", DeadLetteredFilter)
    ordering = ("-id",)
    indexed_filters = (("dead_lettered", "yes"),)
    max_selected = 1000
    actions = ("count_as_person", "count_as_bot", "requeue", "discard")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Visit]:
        """Add the link by subqueries, since it may have been deleted."""
        link = ShortLink.objects.filter(pk=OuterRef("link_id"))
        rows = super().get_queryset(request)
        return rows.annotate(
            link_url=Subquery(link.values("url")),
            link_created_at=Subquery(link.values("created_at")),
        )

    def has_override_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def has_action_permission(self, request: HttpRequest, row: Visit) -> bool:
        return is_administrator(request) and row.dead_lettered_at is not None

    def retry(self, request: HttpRequest, row: Visit) -> ActionResult:
        processing.requeue([row.pk])
        return done(gettext("Requeued."))

    @admin.display(description=_("source URL"))
    def source_url(self, visit: Visit) -> str:
        return getattr(visit, "link_url", None) or gettext("link deleted")

    @admin.display(description=_("reason"))
    def explanation(self, visit: Visit) -> str:
        created_at = getattr(visit, "link_created_at", None)
        age = visit.occurred_at - created_at if created_at else None
        return reasons.explain(visit.reason, age) or self.get_empty_value_display()

    @admin.display(description=_("certainty"))
    def certainty(self, visit: Visit) -> str:
        if not visit.reason:
            return self.get_empty_value_display()
        return str(reasons.certainty(visit.reason).label)

    @admin.display(description=_("network"))
    def network(self, visit: Visit) -> str:
        """Return the known network of the address, its owner and the source."""
        links = ShortLink.objects.filter(pk=visit.link_id)
        mask = links.values_list("account__address_mask", flat=True).first()
        match = known_networks.find(visit.address, mask)
        if match is None:
            return self.get_empty_value_display()
        owner = match.owner
        return f"{match.network}: {owner.name}, {owner.certainty} ({owner.source})"

    @admin.action(description=_("Change verdict to person"), permissions=["override"])
    def count_as_person(self, request: HttpRequest, queryset: QuerySet[Visit]) -> None:
        self._override(request, queryset, Verdict.PERSON)

    @admin.action(description=_("Change verdict to bot"), permissions=["override"])
    def count_as_bot(self, request: HttpRequest, queryset: QuerySet[Visit]) -> None:
        self._override(request, queryset, Verdict.BOT)

    def _override(
        self, request: HttpRequest, queryset: QuerySet[Visit], verdict: Verdict
    ) -> None:
        chosen = list(queryset[: self.max_selected + 1])
        if len(chosen) > self.max_selected:
            text = gettext("Choose at most %(most)d visits.")
            refused = text % {"most": self.max_selected}
            self.message_user(request, refused, messages.ERROR)
            return
        changed = processing.override_verdict([visit.pk for visit in chosen], verdict)
        text = gettext("Verdict changed: %(verdict)s.")
        self.log_action(request, chosen, text % {"verdict": verdict.label})
        text = gettext("Verdicts changed: %(count)d. Notes are updated accordingly.")
        self.message_user(request, text % {"count": changed})

    @admin.action(description=_("Requeue selected visits"), permissions=["override"])
    def requeue(self, request: HttpRequest, queryset: QuerySet[Visit]) -> None:
        ids = queryset.filter(dead_lettered_at__isnull=False).values_list(
            "id", flat=True
        )
        count = {"count": processing.requeue(ids)}
        self.message_user(request, gettext("Visits requeued: %(count)d.") % count)

    @admin.action(
        description=_("Discard selected visits without a link"),
        permissions=["override"],
    )
    def discard(self, request: HttpRequest, queryset: QuerySet[Visit]) -> None:
        ids = queryset.filter(dead_lettered_at__isnull=False).values_list(
            "id", flat=True
        )
        count = {"count": processing.discard_lost(ids)}
        self.message_user(request, gettext("Visits discarded: %(count)d.") % count)

"""Admin pages for browsers and their attachments to contacts."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.base import AccountScopedAdmin, is_administrator
from shortlinks.domain.pixels import attachments
from shortlinks.models import AttachmentReview, Pixel, PixelAttachment


@admin.register(Pixel)
class PixelAdmin(AccountScopedAdmin[Pixel]):
    fields = ("account", "visitor_uid", "created_at", "last_seen_at", "shared_since")
    list_display = ("visitor_uid", "created_at", "last_seen_at", "shared_since")
    search_fields = ("visitor_uid__exact",)
    ordering = ("-id",)


@admin.register(PixelAttachment)
class PixelAttachmentAdmin(AccountScopedAdmin[PixelAttachment]):
    account_path = "contact__account_id"
    fields = (
        "pixel",
        "contact_link",
        "evidence",
        "review",
        "first_seen_at",
        "last_seen_at",
    )
    list_display = fields
    list_select_related = ("pixel", "contact__merged_into")
    list_filter = ("evidence", "review")
    search_fields = ("pixel__visitor_uid__exact", "contact__name")
    ordering = ("-id",)
    actions = ("confirm", "reject")

    def has_review_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    @admin.action(
        description=_("Confirm as the client's browser"), permissions=["review"]
    )
    def confirm(
        self, request: HttpRequest, queryset: QuerySet[PixelAttachment]
    ) -> None:
        self._review(request, queryset, AttachmentReview.CONFIRMED)

    @admin.action(
        description=_("Reject as the client's browser"), permissions=["review"]
    )
    def reject(self, request: HttpRequest, queryset: QuerySet[PixelAttachment]) -> None:
        self._review(request, queryset, AttachmentReview.REJECTED)

    def _review(
        self,
        request: HttpRequest,
        queryset: QuerySet[PixelAttachment],
        review: AttachmentReview,
    ) -> None:
        rows = list(queryset)
        attachments.review(queryset, review)
        self.log_action(request, rows, str(review.label))
        text = gettext("Browsers updated: %(count)d.") % {"count": len(rows)}
        self.message_user(request, text)

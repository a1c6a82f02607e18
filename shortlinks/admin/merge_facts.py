"""Words for the facts about a contact in a browser, shown beside suggestions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.contact_comparison import moment
from shortlinks.models import MergeFact

SENTENCES: dict[str, Any] = {
    MergeFact.CONFIRMED: _("A user confirmed that this is the client's browser."),
    MergeFact.RETURNING: _(
        "The browser came back with its cookie, or the visitor used the site's page."
    ),
    MergeFact.DAYS_APART: _(
        "Two different links of the client were opened here, and the first and the last"
        " open are at least 24 hours apart."
    ),
    MergeFact.ONLY_BROWSER: _("No other browser of the client came back."),
    MergeFact.REDEEMED: _("The visitor continued to a site in the same browser."),
    MergeFact.CHATTED: _("The client chatted in this browser."),
    MergeFact.OTHER_ADDRESS: _(
        "The site's page was opened from another address than the link."
    ),
    MergeFact.FORWARDED: _(
        "Other browsers of the client came first: perhaps the link was forwarded."
    ),
}


def short(evidence: Mapping[str, Any]) -> str:
    """Return the facts in one line, for lists."""
    return ", ".join(str(MergeFact(fact).label) for fact in evidence.get("facts", []))


def sentences(evidence: Mapping[str, Any]) -> list[str]:
    """Return the facts as sentences and when the contact was seen in the browser."""
    if "facts" not in evidence:
        return []
    known = [str(SENTENCES[fact]) for fact in evidence["facts"]]
    seen = gettext("Seen in this browser first on %(first)s, last on %(last)s.") % {
        "first": _moment(evidence["first_seen_at"]),
        "last": _moment(evidence["last_seen_at"]),
    }
    return [*(known or [gettext("Nothing else is known about this browser.")]), seen]


def _moment(seconds: int) -> str:
    return moment(datetime.fromtimestamp(seconds, UTC))

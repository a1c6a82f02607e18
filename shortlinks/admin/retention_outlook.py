"""Retention periods of an account, and how many rows expire soon, as texts."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from shortlinks.domain.personal_data import retention
from shortlinks.domain.personal_data.retention import Outlook
from shortlinks.models import Account

LABELS = {field.name: field.verbose_name for field in Account._meta.concrete_fields}


class Line(NamedTuple):
    what: str
    period: str
    next: str


def of(account: Account) -> list[Line]:
    return list(lines(retention.outlook(account)))


def lines(rows: Iterable[Outlook]) -> Iterator[Line]:
    for each in rows:
        label = str(capfirst(LABELS[each.field]))
        yield Line(label, _period(each.days), _count(each.count))


def _period(days: int | None) -> str:
    if days is None:
        return gettext("kept")
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def _count(count: int | None) -> str:
    if count is None:
        return gettext("unknown")
    shown = min(count, retention.MAX_COUNT)
    text = number_format(shown, force_grouping=True)
    return gettext("more than %(count)s") % {"count": text} if shown < count else text

"""The reasons of verdicts: how certain each is, and a sentence that explains it.

A visit stores a short key, such as "browser" or "data center: aws; known browser".
Sentences are built when they are shown, in the reader's language.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from django.utils.translation import gettext, gettext_noop, ngettext

from shortlinks.domain import known_networks
from shortlinks.models import Certainty

BETWEEN_PARTS = "; "
BEFORE_NAME = ": "
# The age of a link is mentioned up to this time: later, it explains nothing.
MAX_MENTIONED_AGE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Reason:
    certainty: Certainty
    sentence: str


def _certain(sentence: str) -> Reason:
    return Reason(Certainty.CERTAIN, sentence)


def _likely(sentence: str) -> Reason:
    return Reason(Certainty.LIKELY, sentence)


def _unsure(sentence: str) -> Reason:
    return Reason(Certainty.UNSURE, sentence)


REASONS: dict[str, Reason] = {
    "method": _certain(gettext_noop("Only the headers were requested.")),
    "purpose header": _certain(gettext_noop("A browser prepared the page.")),
    "not a navigation": _certain(
        gettext_noop("A page or a program loaded the link without showing it.")
    ),
    "office address": _certain(gettext_noop("Opened from an office address.")),
    "staff browser": _certain(gettext_noop("Opened in a browser of the staff.")),
    "preview user agent": _certain(gettext_noop("A program made a preview.")),
    "bot user agent": _certain(gettext_noop("The browser is a program.")),
    "office user agent": _unsure(
        gettext_noop("Microsoft Office requested the link before the browser.")
    ),
    "unclear user agent": _unsure(
        gettext_noop("The browser may be an app or a program.")
    ),
    "set by an administrator": _certain(
        gettext_noop("An administrator set the verdict.")
    ),
    "browser": _certain(gettext_noop("Opened in a browser.")),
    "gesture on the site": _certain(gettext_noop("The visitor used the site.")),
    "scanner network": _certain(gettext_noop("Opened by a link scanner (%(name)s).")),
    "preview network": _certain(gettext_noop("%(name)s made a preview.")),
    "data center": _unsure(gettext_noop("Opened from a data center (%(name)s).")),
    "gateway page": _likely(gettext_noop("Opened through the page of a mail gateway.")),
    "gateway check": _unsure(gettext_noop("A mail gateway may have checked the link.")),
    "within a frame": _unsure(gettext_noop("Another page showed the link in a frame.")),
    "unknown kind of request": _unsure(
        gettext_noop("The browser did not say that a person opened a page.")
    ),
    "browser headers missing": _unsure(
        gettext_noop("Headers that the browser sends are missing.")
    ),
    "no page accepted": _unsure(
        gettext_noop("The request asked for an image or data, not for a page.")
    ),
    "mixed visits": _unsure(
        gettext_noop("Too many different visitors opened the link at the same time.")
    ),
    "part of a burst": _unsure(
        gettext_noop("Several links were opened within seconds.")
    ),
    "returned as a person": _likely(gettext_noop("The visitor opened the link again.")),
    "known browser": _likely(gettext_noop("The browser has opened links before.")),
    "counted by policy": _unsure(gettext_noop("Perhaps it was not a person.")),
}
UNKNOWN = Reason(Certainty.LIKELY, "")  # for a stored reason that no longer exists
RANKS = {Certainty.CERTAIN: 2, Certainty.LIKELY: 1, Certainty.UNSURE: 0}


@cache
def certainty(reason: str) -> Certainty:
    """Return how certain the verdict is; the last part of the reason decides."""
    return _parse(reason.rpartition(BETWEEN_PARTS)[2])[0].certainty


def most_certain(*reasons: str) -> str:
    """Return the most certain reason, the same one in any order."""
    return max(reasons, key=lambda reason: (RANKS[certainty(reason)], reason))


def is_less_certain(reason: str, than: str) -> bool:
    return RANKS[certainty(reason)] < RANKS[certainty(than)]


def explain(reason: str, link_age: timedelta | None = None) -> str:
    """Return sentences in the current language, or "" if there is no reason.

    `link_age` is the time between the link's creation and the visit.
    """
    if not reason:
        return ""
    parsed = [_parse(part) for part in reason.split(BETWEEN_PARTS)]
    sentences = [
        gettext(found.sentence) % {"name": name} if found.sentence else name
        for found, name in parsed
    ]
    return " ".join([*sentences, *_age(reason, link_age)])


def _parse(part: str) -> tuple[Reason, str]:
    """Return a part's reason and the name that its sentence contains."""
    key, _, name = part.partition(BEFORE_NAME)
    owner = known_networks.owner(name)
    if key in REASONS:
        return REASONS[key], owner.name if owner else name
    return UNKNOWN, part


def _age(reason: str, age: timedelta | None) -> list[str]:
    is_mentioned = age is not None and timedelta() <= age <= MAX_MENTIONED_AGE
    if age is None or not is_mentioned or certainty(reason) == Certainty.CERTAIN:
        return []
    seconds = int(age.total_seconds())
    text = ngettext(
        "The link was %(seconds)d second old.",
        "The link was %(seconds)d seconds old.",
        seconds,
    )
    return [text % {"seconds": seconds}]

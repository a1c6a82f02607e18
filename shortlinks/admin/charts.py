"""Chart of opens by day, for unfold's Chart.js."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext

from shortlinks.domain.reports.statistics import Day

GREY = "#7c8594"  # legible on white and on black

OPTIONS: dict[str, Any] = {
    "animation": False,
    "color": GREY,
    "responsive": True,
    "maintainAspectRatio": False,
    "interaction": {"mode": "index"},
    "plugins": {
        "legend": {
            "display": True,
            "align": "end",
            "labels": {"boxHeight": 8, "color": GREY},
        },
    },
    "scales": {
        "x": {"stacked": True, "grid": {"display": False}, "ticks": {"color": GREY}},
        "y": {
            "stacked": True,
            "beginAtZero": True,
            "ticks": {"precision": 0, "color": GREY},
        },
    },
}


@dataclass(frozen=True, slots=True)
class Chart:
    """Attributes of unfold's canvas element."""

    data: str
    options: str = json.dumps(OPTIONS)


def people_and_programs(days: Sequence[Day]) -> Chart:
    people = [day.person_opens for day in days]
    others = [day.bot_visits for day in days]
    data = {
        "labels": [date_format(day.day, "j.m") for day in days],
        "datasets": [
            _bars(gettext("People"), people, "var(--color-primary-600)"),
            _bars(gettext("Programs"), others, "var(--color-base-400)"),
        ],
    }
    return Chart(json.dumps(data))


def _bars(label: str, data: list[int], color: str) -> dict[str, Any]:
    return {
        "label": label,
        "data": data,
        "backgroundColor": color,
        "maxBarThickness": 24,
        "displayYAxis": True,
    }

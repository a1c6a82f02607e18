"""Each table and column is listed as personal, or as not personal."""

import re
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Model

from shortlinks.domain.personal_data import export
from shortlinks.models.personal_data import NOT_LISTED, TABLES

MODELS = list(apps.get_app_config("shortlinks").get_models())
DOCUMENT = Path(settings.BASE_DIR, "docs", "personal-data.md").read_text()
NAME = re.compile(r"`([a-z_]+)`")
PERSONAL = {table.model for table in TABLES}


def targets(model: type[Model]) -> set[type[Model]]:
    return {
        field.remote_field.model
        for field in model._meta.concrete_fields
        if field.remote_field
    }


def test_each_table_is_listed_once() -> None:
    listed = [*(model.__name__ for model in PERSONAL), *NOT_LISTED]

    assert sorted(listed) == sorted(model.__name__ for model in MODELS)
    assert len(TABLES) == len(PERSONAL)


def test_each_column_is_listed_once() -> None:
    for table in TABLES:
        listed = [*table.exported, *table.internal]
        fields = [field.name for field in table.model._meta.concrete_fields]
        assert sorted(listed) == sorted(fields), table.name


def test_what_refers_to_a_personal_table_is_one() -> None:
    referring = {model for model in MODELS if targets(model) & PERSONAL}

    # `link` is any link of the account to the URL.
    assert {model.__name__ for model in referring - PERSONAL} == {"UrlDailyOpens"}
    others = set(apps.get_models()) - set(MODELS)
    assert [model for model in others if targets(model) & PERSONAL] == []
    assert targets(LogEntry) & PERSONAL == set()


def test_documentation_lists_each_exported_column() -> None:
    rows = [line.split("|")[1:3] for line in DOCUMENT.splitlines() if "|" in line]
    listed: dict[str, set[str]] = {}
    for names, columns in (cells for cells in rows if len(cells) > 1):
        for name in NAME.findall(names):
            listed[name] = set(NAME.findall(columns))

    for table in TABLES:
        assert set(table.exported) <= listed.get(table.name, set()), table.name
    assert set(export.LOG_COLUMNS) == listed[export.LOG]

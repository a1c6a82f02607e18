"""The export has everything that is stored about a person, and nothing of others."""

import json

from shortlinks.domain.personal_data import export
from shortlinks.models import Account, Contact, Visit
from shortlinks.models.personal_data import TABLES
from tests.admin import fixtures_full_account


def exported(contact: Contact) -> dict[str, list[dict[str, object]]]:
    text = b"".join(export.as_json(contact))
    tables: dict[str, list[dict[str, object]]] = json.loads(text)["tables"]
    return tables


def test_export_has_all_tables_and_no_other_person(account: Account) -> None:
    own = fixtures_full_account.fill(account, "Own", responsible=None)
    fixtures_full_account.fill(account, "Foreign", responsible=None)
    Visit.objects.update(verdict="person", reason="browser")

    tables = exported(own.contact)

    assert tables.keys() == {t.name for t in TABLES if t.exported} | {"log"}
    text = json.dumps(tables)
    assert {"Own contact", "Own chat", "Own browser"} <= {
        part for part in ("Own contact", "Own chat", "Own browser") if part in text
    }
    assert "Foreign" not in text
    assert own.link.code not in text


def test_merged_contact_is_exported_with_the_survivor(account: Account) -> None:
    own = fixtures_full_account.fill(account, "Own", responsible=None)

    names = {str(row["name"]) for row in exported(own.contact)["contact"]}

    assert names == {"Own contact", "Own gone"}

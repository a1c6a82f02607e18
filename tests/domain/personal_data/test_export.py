"""The export has everything that is stored about a person, and nothing of others."""

import json

from shortlinks.domain.personal_data import export
from shortlinks.models import Account, Contact, User, Visit
from shortlinks.models.personal_data import TABLES
from tests import factories, importing
from tests.admin import fixtures_full_account
from tests.domain.merging import steps


def exported(contact: Contact) -> dict[str, list[dict[str, object]]]:
    text = b"".join(export.as_json(contact))
    tables: dict[str, list[dict[str, object]]] = json.loads(text)["tables"]
    return tables


def test_export_has_all_tables_and_no_other_person(account: Account) -> None:
    own = fixtures_full_account.fill(account, "Own", responsible=None)
    fixtures_full_account.fill(account, "Foreign", responsible=None)
    Visit.objects.update(verdict="person", reason="browser")

    tables = exported(own.contact)

    others = {"merge_evidence", "earlier_values", "importrow", "log"}
    assert tables.keys() == {t.name for t in TABLES if t.exported} | others
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


def test_rows_of_files_and_earlier_names_are_exported(
    account: Account, admin: User
) -> None:
    client = factories.contact(account, entity_id=42, name="")
    named = factories.contact(account, entity_id=43, name="Zimmermann")
    steps.merge(admin, client, named)
    other = factories.contact(account, entity_id=5, name="Other")
    undone = steps.merge(admin, client, other)
    steps.undo(admin, undone)
    table = importing.table(
        ["entity_id", "name", "responsible"],
        ["42", "Petra", "nobody@shop.example"],
        ["5", "Other", "nobody@shop.example"],
    )
    importing.checked(admin, table)

    tables = exported(client)

    [row] = tables["importrow"]
    assert row["cells"] == {
        "entity_id": "42",
        "name": "Petra",
        "responsible": "nobody@shop.example",
    }
    assert {"column": "name", "before": "", "after": "Zimmermann"} in (
        tables["earlier_values"]
    )
    assert "Other" not in json.dumps(tables)

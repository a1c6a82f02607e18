"""Filters and orders of lists work as in amoCRM. Unknown ones are 400."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlinks.api.contacts import QUERY
from shortlinks.models import Account, Contact, Note, NoteType, User
from tests import factories
from tests.conftest import Api

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = int(NOON.timestamp())


@pytest.fixture
def contacts(account: Account, admin: User) -> list[Contact]:
    """Create contacts 1 to 4, changed at noon and at the following hours."""
    names = ["Anna", "Boris", "Vera", "Anna"]
    return [
        factories.contact(
            account,
            entity_id=n,
            name=name,
            responsible_user=admin if n < 3 else None,
            updated_at=NOON + timedelta(hours=n - 1),
            created_at=NOON,
        )
        for n, name in enumerate(names, start=1)
    ]


@pytest.mark.parametrize(
    "key",
    [
        *("filter[updated_at][lte]", "filter[updated_at][From]", "filter[id][not]"),
        *(
            "filter[name][ne]",
            "filter[id][0][from]",
            "filter[id][][]",
            "filter[id][-1]",
        ),
        *("filter[id][\u0661]", "filter[id] ", "order[id][desc][0]", "filter[id][0]x"),
    ],
)
def test_unknown_brackets_are_rejected(api: Api, key: str) -> None:
    response: Any = api.get(f"/api/v4/contacts?{quote(key)}=1")

    assert response.status_code == 400
    assert "is not supported" in response.json()["detail"]


def listed_ids(api: Api, path: str, name: str = "contacts") -> list[int]:
    response: Any = api.get(path)
    if response.status_code == 204:
        return []
    return [row["id"] for row in response.json()["_embedded"][name]]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [1, 2, 3, 4]),
        ("filter[id]=2", [2]),
        ("filter[id][]=2&filter[id][]=3", [2, 3]),
        ("filter[id][0]=4&filter[id][1]=1", [1, 4]),
        ("filter[id]=99", []),
        ("filter[name]=Anna", [1, 4]),
        ("filter[name][]=Vera&filter[id][]=1", []),
        (f"filter[updated_at]={SECOND}", [1, 2, 3, 4]),
        (f"filter[updated_at]={SECOND + 1}", [2, 3, 4]),
        ("filter[id]=1,3", [1, 3]),
        ("filter[id]=1&filter[id]=3&filter[id]=1", [1, 3]),
        ("filter[id]=1,3&filter[id]=1,3", [1, 3]),
        ("filter[id][0]=4&filter[id][1]=1&filter[id][0]=2", [1, 2]),
        ("filter[name]=Boris&filter[name]=Vera", [2, 3]),
        (f"filter[updated_at]={SECOND}&filter[updated_at]={SECOND}", [1, 2, 3, 4]),
        (f"filter[updated_at]=1&filter[updated_at]={SECOND + 3600}", [2, 3, 4]),
        (f"filter[updated_at]=1,2&filter[updated_at]={SECOND},{SECOND}", [1]),
        (f"filter[updated_at][to]=1&filter[updated_at][to]={SECOND}", [1]),
        ("order[id]=asc&order[id]=desc", [4, 3, 2, 1]),
        ("limit=1&limit=2&page=1&page=2", [3, 4]),
        ("query=vera&query=boris", [2]),
        (f"filter[updated_at][from]={SECOND + 3600}", [2, 3, 4]),
        (f"filter[updated_at][from]={SECOND}&filter[updated_at][to]={SECOND + 9}", [1]),
        (f"filter[created_at][to]={SECOND - 1}", []),
        ("order[updated_at]=desc", [4, 3, 2, 1]),
        ("order[id]=desc&limit=2", [4, 3]),
        ("order[updated_at]=asc&order[id]=asc", [1, 2, 3, 4]),
        ("order[updated_at]=desc&order[id]=asc", [4, 3, 2, 1]),
        ("query=ann", [1, 4]),
        ("with=leads", [1, 2, 3, 4]),
    ],
)  # fmt: skip
def test_contacts_are_filtered_and_ordered(
    contacts: list[Contact], api: Api, query: str, ids: list[int]
) -> None:
    assert listed_ids(api, f"/api/v4/contacts?{query}") == ids


def next_query(api: Api, query: str) -> str:
    response: Any = api.get(f"/api/v4/contacts?{query}")
    href: str = response.json()["_links"]["next"]["href"]
    return urlsplit(href).query


CRITERIA = {
    "times": f"filter[updated_at]={SECOND}",
    "from": f"filter[updated_at][from]={SECOND}",
    "pair": f"filter[updated_at][0]={SECOND}&filter[updated_at][1]={SECOND + 9999}",
    "ids": "&".join(f"filter[id][{n}]={n + 1}" for n in range(130)),
    "order": "order[id]=desc&query=a&with=leads",
}


@pytest.mark.parametrize("criteria", CRITERIA.values(), ids=CRITERIA)
def test_next_page_follows_if_the_client_repeats_its_criteria(
    contacts: list[Contact], api: Api, criteria: str
) -> None:
    """amocrm-js adds the query of `next` to the criteria of the first request."""
    first = f"{criteria}&limit=1"
    second = f"{first}&{next_query(api, first)}"
    third = f"{first}&{next_query(api, second)}"

    pages = [
        listed_ids(api, f"/api/v4/contacts?{query}") for query in (first, second, third)
    ]

    assert sorted(id_ for page in pages for id_ in page) == sorted(
        listed_ids(api, f"/api/v4/contacts?{criteria}")[:3]
    )
    assert len(third) == len(second)


def test_next_page_keeps_the_values_that_count(
    contacts: list[Contact], api: Api
) -> None:
    query = "filter[id]=2&filter[id]=1&filter[id]=2&limit=9&limit=1"

    assert parse_qsl(next_query(api, query)) == [
        ("filter[id]", "1"),
        ("filter[id]", "2"),
        ("page", "2"),
        ("limit", "1"),
    ]


def test_filter_accepts_escaped_brackets(contacts: list[Contact], api: Api) -> None:
    assert listed_ids(api, f"/api/v4/contacts?{quote('filter[id]')}=3") == [3]


def test_contacts_are_filtered_by_responsible_user(
    contacts: list[Contact], admin: User, api: Api
) -> None:
    query = f"filter[responsible_user_id]={admin.id}"

    assert listed_ids(api, f"/api/v4/contacts?{query}") == [1, 2]


@pytest.mark.parametrize(
    "query",
    [
        "filter[shoe_size]=42",
        "filter=1",
        "filter[id]=x",
        "filter[id]=-1",
        "filter[id]=99999999999999999999",
        "filter[id][from]=1",
        "filter[updated_at]=yesterday",
        "filter[updated_at]=999999999999999",
        "filter[name]=%00",
        "query=%00",
        "order[shoe_size]=asc",
        "order[id]=up",
        "&".join(f"filter[id][]={n}" for n in range(251)),
        "filter[updated_at][]=1&filter[updated_at][]=2&filter[updated_at][]=3",
    ],
)
def test_unknown_or_invalid_filter_is_400(
    contacts: list[Contact], api: Api, query: str
) -> None:
    response: Any = api.get(f"/api/v4/contacts?{query}")

    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.fixture
def notes(contacts: list[Contact]) -> list[Note]:
    link = factories.link(contacts[0])
    opened = Note.objects.create(
        account=link.account,
        contact=contacts[0],
        note_type=NoteType.LINK_FOLLOWED,
        link=link,
        url=link.url,
        opens=1,
        period=(NOON, NOON + timedelta(minutes=10)),
        created_at=NOON,
        updated_at=NOON,
    )
    written = Note.objects.create(
        account=link.account,
        contact=contacts[1],
        note_type=NoteType.COMMON,
        text="called",
        updated_at=NOON + timedelta(hours=1),
    )
    return [opened, written]


@pytest.mark.parametrize(
    ("query", "indices"),
    [
        ("", [0, 1]),
        ("filter[note_type]=link_followed", [0]),
        ("filter[note_type]=common,call_in", [1]),
        ("filter[note_type][]=common&filter[note_type][]=link_followed", [0, 1]),
        ("filter[entity_id]=2", [1]),
        (f"filter[updated_at][from]={SECOND + 1}", [1]),
        ("order[updated_at]=desc", [1, 0]),
    ],
)
def test_notes_are_filtered_and_ordered(
    notes: list[Note], api: Api, query: str, indices: list[int]
) -> None:
    ids = [notes[index].id for index in indices]

    assert listed_ids(api, f"/api/v4/contacts/notes?{query}", "notes") == ids


def test_notes_of_unused_types_are_204(notes: list[Note], api: Api) -> None:
    path = "/api/v4/contacts/notes?filter[note_type]=call_in"

    assert api.get(path).status_code == 204


def test_event_refers_to_the_note_of_an_open(notes: list[Note], api: Api) -> None:
    response: Any = api.get("/api/v4/events?filter[type]=link_followed")

    [event] = response.json()["_embedded"]["events"]
    opened = notes[0]
    href = "http://testserver/api/v4"
    assert event == {
        "id": str(opened.id),
        "type": "link_followed",
        "entity_id": 1,
        "entity_type": "contact",
        "created_by": 0,
        "created_at": SECOND,
        "value_after": [{"note": {"id": opened.id}}],
        "value_before": [],
        "account_id": opened.account_id,
        "_links": {"self": {"href": f"{href}/events/{opened.id}"}},
        "_embedded": {
            "entity": {"id": 1, "_links": {"self": {"href": f"{href}/contacts/1"}}}
        },
    }


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"filter[created_at][from]={SECOND}&filter[entity]=contact", 200),
        (f"filter[created_at][from]={SECOND + 1}", 204),
        ("filter[entity_id]=2", 204),
        ("filter[type]=lead_added", 204),
        ("filter[type]=lead_added,link_followed", 200),
        (f"filter[created_at]={SECOND - 3600}", 200),
        (f"filter[created_at]={SECOND},{SECOND}", 200),
        (f"filter[created_at]={SECOND + 1},{SECOND + 9}", 204),
        (f"filter[created_at]={SECOND - 9},{SECOND - 1}", 204),
        (f"filter[created_at][]={SECOND - 9}&filter[created_at][]={SECOND}", 200),
        (f"filter[created_at][]={SECOND - 9}&filter[created_at][]={SECOND - 1}", 204),
        (f"filter[created_at][0]={SECOND - 9}&filter[created_at][1]={SECOND - 1}", 204),
        ("filter[created_at]=1,2,3", 400),
        ("filter[created_at]=1,", 400),
        ("filter[created_at]=1,2&filter[created_at][to]=3", 400),
        ("filter[created_at][from]=1&filter[created_at][from]=2", 200),
        (f"filter[created_at][from]=1&filter[created_at][from]={SECOND + 1}", 204),
        ("filter[created_by][]=0", 200),
        ("filter[created_by][]=7", 204),
        ("filter[entity]=lead", 204),
        ("filter[value_after]=1", 400),
        ("limit=101", 200),
        ("limit=0", 400),
    ],
)
def test_events_are_filtered(
    notes: list[Note], api: Api, query: str, status: int
) -> None:
    assert api.get(f"/api/v4/events?{query}").status_code == status


def test_search_by_name_has_an_index_of_each_column() -> None:
    [index] = [each for each in Contact._meta.indexes if "search" in each.name]

    for column in QUERY.search_fields:
        assert f"Upper(F({column}))" in repr(index)


LISTS = (
    *("contacts", "contacts/notes", "events", "short_links", "users", "webhooks"),
    *("merges", "merge_suggestions"),
)
NAMES = st.sampled_from(
    [
        *("filter[id]", "filter[id][]", "filter[created_at]", "filter[created_at][to]"),
        *("filter[name]", "filter[type]", "filter[entity_id][]", "filter[note_type]"),
        *("filter[url]", "order[id]", "order[created_at]", "query", "page", "limit"),
        *("filter", "filter[", "filter[]", "filter[id]x", "filter[id][a]", "order[x]"),
    ]
)
VALUES = st.sampled_from(
    [
        *("1", "0", "-1", "1,2", "1,2,3", ",", "9" * 19, "9" * 5000, "1e3", "asc"),
        *("١", "\0", "%", "_", "\\", "link_followed", "common", "Anna", "1\n", " 1"),
    ]
)
PARAMETERS = st.lists(st.tuples(NAMES, VALUES | st.text(max_size=4)), max_size=5)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(LISTS), parameters=PARAMETERS)
def test_any_filters_are_applied_or_rejected(
    api: Api, path: str, parameters: list[tuple[str, str]]
) -> None:
    query = urlencode(parameters, errors="replace")

    assert api.get(f"/api/v4/{path}?{query}").status_code in {200, 204, 400}

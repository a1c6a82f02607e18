"""Every route of the API, for callers of all levels and contacts of all kinds.

All users call with their own tokens. For some, an administrator acts, or they have the
token of a channel.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from shortlinks.api.gates import CONTEXT_USER, accepted_scopes
from shortlinks.api.openapi.document import operations
from shortlinks.models import Scope
from tests import factories
from tests.conftest import Api
from tests.rights import api_rows, levels, population, requests
from tests.rights.api_rows import HIDDEN, PREFIX, PUBLIC, ROWS, SHOWN, Outcome, Row
from tests.rights.levels import CALLERS, CONTACTS, EDIT, NONE, OWN, RIGHTS, VIEW
from tests.rights.population import Population

OWN_KINDS = (OWN, levels.MERGED_OWN)
# A suggestion shows the anonymous contact and its chat to those who decide about it.
SUGGESTED = ("pk", "entity_id", "suggestion_id", "apart_id", "title")
# These rights do not depend on the contact.
OF_CALLER = (api_rows.ADD, api_rows.ADMINISTRATOR, api_rows.ANYONE)


@dataclass(frozen=True, slots=True)
class Case:
    """One row for one caller and one kind of contact."""

    row: Row
    caller: str
    kind: str
    is_channel: bool = False

    @property
    def right(self) -> str:
        rights = RIGHTS[self.caller]
        own, other = rights[OWN], rights[self.kind]
        known = own if self.kind == "anonymous" else other
        is_admin = self.caller == levels.ADMINISTRATOR
        return {
            api_rows.CONTACT: other,
            api_rows.PAIR: levels.weaker(own, other),
            # A user who may edit the known contact decides about an anonymous one.
            api_rows.SUGGESTION: levels.weaker(own, known),
            api_rows.OWN_PATH: own,
            api_rows.ADD: EDIT if levels.may_add(self.caller) else NONE,
            api_rows.ADMINISTRATOR: EDIT if is_admin else NONE,
            api_rows.PERSON: self._right_to_person(is_admin=is_admin),
            api_rows.ANYONE: EDIT,
        }[self.row.of]

    def _right_to_person(self, *, is_admin: bool) -> str:
        """Return EDIT for administrators, VIEW if the contact is of another account."""
        if not is_admin:
            return NONE
        return VIEW if self.kind == "foreign" else EDIT

    @property
    def expected(self) -> Outcome:
        row, right = self.row, self.right
        if self.is_channel:
            return row.channel.get(self.kind, row.channel[api_rows.USUAL])
        usual = {EDIT: row.edit, NONE: row.none}.get(right, row.view)
        return row.but.get(self.kind, usual)

    def __str__(self) -> str:
        return f"{self.row.request} {json.dumps(self.row.body)}, {self.kind} contact"


def kinds(row: Row) -> list[str]:
    """Return the contacts that matter, without pairs of the own one with itself."""
    if row.of in OF_CALLER:
        return [OWN]
    names_own = "own_id" in str((row.request, row.body))
    return [kind for kind in CONTACTS if not (names_own and kind in OWN_KINDS)]


def cases(caller: str, *, is_channel: bool = False) -> Iterator[Case]:
    for row in ROWS:
        yield from (Case(row, caller, kind, is_channel) for kind in kinds(row))


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str
    sent: str
    written: Sequence[str]


@dataclass(slots=True)
class Session:
    """Requests of one caller, which leave no trace. Repeated reads are sent once."""

    given: Population
    api: Api
    headers: dict[str, str] = field(default_factory=dict)
    _reads: dict[str, Answer] = field(default_factory=dict)

    def answer(self, case: Case) -> Answer:
        values = self.given.rows[case.kind].values
        method, _, path = case.row.request.partition(" ")
        prefix = "" if path.startswith("/oauth2/") else PREFIX
        url = prefix + path.format_map(values)
        if method == "GET" and url in self._reads:
            return self._reads[url]
        body = requests.fill(case.row.body, values)
        text = "" if body is None else json.dumps(body)
        with requests.undone() as written:
            response = self.api.send(
                *(method, url),
                data=text,
                content_type="application/json",
                headers=self.headers,
            )
        shown = response.getvalue().decode()  # some are streamed
        answer = Answer(response.status_code, shown, url + text, written)
        if method == "GET":
            self._reads[url] = answer
        return answer

    def outcome(self, case: Case, answer: Answer) -> Outcome:
        if not case.row.shows or (case.is_channel and answer.status == 403):
            return answer.status
        if case.row.shows == api_rows.DECISION:
            return str(json.loads(answer.text)["decision"]["state"])
        id_ = str(self.given.rows[case.kind].values[case.row.shows])
        return SHOWN if answer.status < 400 and id_ in answer.text else HIDDEN


def secrets(caller: str, given: Population) -> set[str]:
    """Return the ids and texts of all contacts that the caller may not view.

    Only administrators may know who recorded a consent.
    """
    rights = RIGHTS[caller]
    hidden = {kind for kind in CONTACTS if rights[kind] == NONE}
    found = {text for kind in hidden for text in given.rows[kind].secrets}
    if rights[OWN] != NONE:
        values = given.rows["anonymous"].values
        found -= {str(values[name]) for name in SUGGESTED}
    if caller != levels.ADMINISTRATOR:
        found |= {str(rows.values["recorder_id"]) for rows in given.rows.values()}
    return found


def test_each_route_has_a_row() -> None:
    described = {each.route for each in operations()}

    assert described == {row.route for row in ROWS} | PUBLIC
    assert {each.route for each in operations() if not each.needs_token} == PUBLIC


def shown_rows(case: Case, answer: Answer, given: Population) -> str:
    """Return the text without the reported chat, which a channel may read."""
    text = answer.text
    names = ("title", "external_id", "visitor_uid", "chat_id")
    for name in names if case.is_channel else ():
        text = text.replace(str(given.rows[case.kind].values[name]), "")
    return text


def mistakes(session: Session, cases: Iterator[Case], hidden: set[str]) -> list[str]:
    """Return the cases with another outcome, a write after an error or a leak."""
    wrong: list[str] = []
    for case in cases:
        answer = session.answer(case)
        actual = session.outcome(case, answer)
        shown = shown_rows(case, answer, session.given)
        # Administrators export deleted contacts, too.
        person = session.given.rows[case.kind].secrets
        may_show = person if case.row.of == api_rows.PERSON else frozenset()
        leaked = [s for s in hidden - may_show if s in shown and s not in answer.sent]
        if actual != case.expected:
            wrong.append(f"{case}: {case.expected}, not {actual}: {answer.text[:200]}")
        elif answer.written and (answer.status >= 400 or actual == HIDDEN):
            wrong.append(f"{case}: writes to {answer.written}")
        elif leaked:
            wrong.append(f"{case}: shows {leaked}")
    return wrong


@pytest.mark.parametrize("caller", CALLERS)
def test_routes_answer_by_the_rights_to_the_contact(db: None, caller: str) -> None:
    given = population.create(caller)
    session = Session(given, Api(factories.token(given.caller)))

    wrong = mistakes(session, cases(caller), secrets(caller, given))

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("caller", ["all-edit-own", "group", "own-edit-none"])
def test_administrator_who_acts_for_a_user_has_the_rights_of_the_user(
    db: None, caller: str
) -> None:
    given = population.create(caller)
    assert given.caller.account
    administrator = factories.user(given.caller.account, is_admin=True)
    token = factories.token(administrator, scopes=Scope.values)
    session = Session(given, Api(token), {CONTEXT_USER: str(given.caller.pk)})

    wrong = mistakes(session, cases(caller), secrets(caller, given))

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("caller", [levels.ADMINISTRATOR, "group", "none"])
def test_channel_reports_chats_of_all_contacts_and_reads_nothing(
    db: None, caller: str
) -> None:
    given = population.create(caller)
    token = factories.token(given.caller, scopes=[Scope.CHATS_REPORT])
    session = Session(given, Api(token))

    wrong = mistakes(session, cases(caller, is_channel=True), secrets(caller, given))

    assert not wrong, "\n".join(wrong)


def not_refused(session: Session, rows: Iterable[Row]) -> list[str]:
    """Return the rows that do not answer 403, or that write."""
    wrong: list[str] = []
    for row in rows:
        answer = session.answer(Case(row, levels.ADMINISTRATOR, OWN))
        if answer.status != 403 or answer.written:
            wrong.append(f"{row.request}: {answer.status}, writes to {answer.written}")
    return wrong


def test_all_other_scopes_together_do_not_replace_the_right_one(db: None) -> None:
    given = population.create(levels.ADMINISTRATOR)
    rows_by_scopes: dict[frozenset[Scope], list[Row]] = defaultdict(list)
    accepted = {each.route: accepted_scopes(each.scope) for each in operations()}
    for row in ROWS:
        rows_by_scopes[accepted[row.route]].append(row)
    open_to_all = rows_by_scopes.pop(frozenset())

    wrong: list[str] = []
    for scopes, rows in rows_by_scopes.items():
        others = [each for each in Scope if each not in scopes]
        token = factories.token(given.caller, scopes=others)
        wrong += not_refused(Session(given, Api(token)), rows)

    assert not wrong, "\n".join(wrong)
    assert {row.request for row in open_to_all} == {
        "GET /account",
        "GET /oauth2/account/subdomain",
    }


@pytest.mark.parametrize(
    ("caller", "named"),
    [
        ("all", "administrator"),
        ("all", "caller"),
        (levels.ADMINISTRATOR, "foreign"),
        (levels.ADMINISTRATOR, "inactive"),
        (levels.ADMINISTRATOR, "nobody"),
    ],
)
def test_only_administrators_act_and_only_for_active_users_of_their_account(
    db: None, caller: str, named: str
) -> None:
    given = population.create(caller)
    ids = {
        "administrator": factories.user(given.caller.account, is_admin=True).pk,
        "caller": given.caller.pk,
        "foreign": factories.user(factories.account(), is_admin=True).pk,
        "inactive": factories.user(given.caller.account, is_active=False).pk,
        "nobody": 2**62,
    }
    token = factories.token(given.caller, scopes=Scope.values)
    session = Session(given, Api(token), {CONTEXT_USER: str(ids[named])})

    wrong = not_refused(session, ROWS)

    assert not wrong, "\n".join(wrong)

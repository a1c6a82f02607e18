"""The comparisons of a drill, without a Docker engine."""

import http.client

import pytest

from systemtests.api_client import ApiClient
from systemtests.drills import __main__ as drills
from systemtests.drills import results
from systemtests.drills.installation import Installation, is_one_shot
from systemtests.drills.results import Results
from systemtests.integration import URLS, Integration
from systemtests.traffic import Open

URL = f"{URLS}0"
ANSWERS = {
    "due_at": [["0"]],
    "referer": [["n0.mail.example"], ["n1.mail.example"]],
    "entity_id": [["7", URL, "code"]],
    "processed_at": [["0", "2"]],
    "sum(opens)": [["2"]],
}


class StoredInstallation(Installation):
    """Answers queries from a table, by a word that only one query contains."""

    def __init__(self, **changes: list[list[str]]) -> None:
        super().__init__()
        self._answers = ANSWERS | changes

    def sql(self, query: str) -> list[list[str]]:
        [rows] = [rows for word, rows in self._answers.items() if word in query]
        return rows


def verified(installation: Installation) -> bool:
    opened = [
        Open(number, 0, "code", due=1.0, sent=1.0, ended=1.1, status=302)
        for number in range(2)
    ]
    client = ApiClient(http.client.HTTPConnection("localhost"), "token")
    integration = Integration(client, [7])
    integration.created[7, URL] = "code"
    found = Results()
    results.verify(found, installation, opened, integration)
    return found.held


def test_drill_holds_if_all_is_stored_once() -> None:
    assert verified(StoredInstallation())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"referer": [["n0.mail.example"]]}, id="lost open"),
        pytest.param({"referer": 2 * ANSWERS["referer"]}, id="doubled opens"),
        pytest.param({"entity_id": []}, id="lost link"),
        pytest.param({"entity_id": 2 * ANSWERS["entity_id"]}, id="doubled link"),
        pytest.param({"processed_at": [["1", "2"]]}, id="unprocessed visit"),
        pytest.param({"sum(opens)": [["1"]]}, id="lost note"),
    ],
)
def test_drill_reports_a_broken_promise(changes: dict[str, list[list[str]]]) -> None:
    assert not verified(StoredInstallation(**changes))


@pytest.mark.parametrize("separator", ["-", "_"])
def test_one_shot_is_recognized_by_its_name(separator: str) -> None:
    names = [
        separator.join(("shortlinks-drill", each, "1")) for each in ("keys", "web")
    ]

    assert [is_one_shot(name) for name in names] == [True, False]


def test_drills_reject_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["drills", "no_such_drill"])

    with pytest.raises(SystemExit):
        drills.main()

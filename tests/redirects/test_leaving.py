"""A redirects' process that was told to stop sends its visitors on first."""

import http.client
from pathlib import Path
from urllib.parse import urlsplit

from shortlinks.models import ShortLink, Visit
from tests import factories, services


def test_visitors_hear_of_it_on_their_last_answer(
    link: ShortLink, tmp_path: Path
) -> None:
    with services.redirects_door(tmp_path) as door:
        address = urlsplit(str(door.client.base_url)).netloc
        visitor = http.client.HTTPConnection(address, timeout=20)
        answers = [opened(visitor, link.code)]
        door.process.tell_to_stop()
        while not answers[-1].will_close:
            answers.append(opened(visitor, link.code))
        code = door.process.code()

    assert code == 0
    assert {answer.status for answer in answers} == {302}
    assert answers[-1].headers["connection"] == "close"
    assert Visit.objects.count() == len(answers)


def opened(visitor: http.client.HTTPConnection, code: str) -> http.client.HTTPResponse:
    visitor.request("GET", f"/{code}", headers=factories.BROWSER)
    answer = visitor.getresponse()
    answer.read()
    return answer

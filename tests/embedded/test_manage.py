"""`manage.py` with the settings of the run: what nobody wants to type by hand."""

from pathlib import Path

from embedded import envfile
from tests.embedded.conftest import Start

SHOW = "import os, sys; print(os.environ['DATABASE_URL'], sys.argv[1:]); sys.exit(3)\n"
RUN = {
    "BASE_URL": "http://127.0.0.1:8000",
    "SHORT_BASE_URL": "http://127.0.0.1:8001",
    "DATABASE_URL": "postgres://user:password@127.0.0.1:1/shortlinks",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def test_runs_with_the_settings_of_the_run(start: Start, place: Path) -> None:
    (place / "manage.py").write_text(SHOW)
    (place / "var").mkdir()
    envfile.write(place / "var" / "demo.env", RUN)

    run = start(
        "manage", "--project", str(place), "issue_token", "a@b.c", "--days", "7"
    )

    assert run.code() == 3, run.output
    assert run.output == (
        f"{RUN['DATABASE_URL']} ['issue_token', 'a@b.c', '--days', '7']\n"
    )


def test_says_so_where_nothing_has_run(start: Start, place: Path) -> None:
    run = start("manage", "--project", str(place), "check")

    assert run.code() == 1
    assert "start it first" in run.output

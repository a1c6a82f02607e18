"""Secrets as files: made once, changed step by step."""

from pathlib import Path

import pytest

from config import env
from deploy import key_rotation, keys


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("keys", "POSTGRES_PASSWORD"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(key_rotation, "FOLDER", tmp_path)
    monkeypatch.setattr(key_rotation, "SERVICE", tmp_path / "keys")
    key_rotation.change(["make", "POSTGRES_PASSWORD"])
    return tmp_path


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "keys").iterdir()}


def ring(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As a process reads it."""
    monkeypatch.delenv("TOKEN_KEYS", raising=False)
    monkeypatch.setenv("TOKEN_KEYS_FILE", str(folder / "keys" / "TOKEN_KEYS"))
    return list(env.keyring("TOKEN_KEYS"))


def test_what_is_missing_is_made_and_what_is_there_stays(folder: Path) -> None:
    before = content(folder)
    (folder / "keys" / "PIXEL_KEYS").unlink()

    key_rotation.change(["make", "POSTGRES_PASSWORD"])

    after = content(folder)
    assert after.keys() == before.keys() >= {*keys.SERVICE, "POSTGRES_PASSWORD"}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"PIXEL_KEYS"}


def test_a_store_is_given_its_own_password_alone(folder: Path) -> None:
    [given] = (folder / "POSTGRES_PASSWORD").iterdir()

    assert given.read_text() == content(folder)["POSTGRES_PASSWORD"]


def test_a_ring_knows_a_key_before_it_uses_it_and_drops_the_oldest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for step in ("add", "use", "add", "use", "drop", "drop"):
        key_rotation.change([step, "TOKEN_KEYS"])
        seen.append(ring(folder, monkeypatch))

    assert seen == [
        ["k1", "k2"],
        ["k2", "k1"],
        ["k2", "k1", "k3"],
        ["k3", "k2", "k1"],
        ["k3", "k2"],
        ["k3"],
    ]


def test_the_last_key_of_a_ring_stays(folder: Path) -> None:
    with pytest.raises(SystemExit, match="one key alone"):
        key_rotation.change(["drop", "TOKEN_KEYS"])


def test_sessions_outlive_a_new_secret_key(folder: Path) -> None:
    before = content(folder)["SECRET_KEY"]

    key_rotation.change(["renew", "SECRET_KEY"])

    after = content(folder)
    assert after["SECRET_KEY"] != before
    assert after["SECRET_KEY_FALLBACKS"] == before


def test_a_new_password_is_told_to_its_store(folder: Path) -> None:
    before = content(folder)["POSTGRES_PASSWORD"]

    key_rotation.change(["renew", "POSTGRES_PASSWORD"])

    after = content(folder)["POSTGRES_PASSWORD"]
    given = (folder / "POSTGRES_PASSWORD" / "POSTGRES_PASSWORD").read_text()
    assert before != after == given


@pytest.mark.parametrize(
    "arguments",
    [[], ["forget"], ["add"], ["add", "SECRET_KEY"], ["renew", "VISITOR_UID_KEY"]],
)
def test_anything_else_is_told_how_and_changes_nothing(
    folder: Path, arguments: list[str]
) -> None:
    before = content(folder)

    with pytest.raises(SystemExit, match="keys make"):
        key_rotation.change(arguments)

    assert content(folder) == before

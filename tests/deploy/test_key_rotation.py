from pathlib import Path

import pytest

from config import env
from deploy import key_rotation, keys


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("keys", "keys-redirects", *key_rotation.STORES):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(key_rotation, "FOLDER", tmp_path)
    monkeypatch.setattr(key_rotation, "SERVICE", tmp_path / "keys")
    key_rotation.change(["make", *key_rotation.STORES])
    return tmp_path


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "keys").iterdir()}


def ring(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of the keys as a process reads them."""
    monkeypatch.delenv("TOKEN_KEYS", raising=False)
    monkeypatch.setenv("TOKEN_KEYS_FILE", str(folder / "keys" / "TOKEN_KEYS"))
    return list(env.keyring("TOKEN_KEYS"))


def test_make_creates_missing_secrets_and_keeps_others(folder: Path) -> None:
    before = content(folder)
    (folder / "keys" / "PIXEL_KEYS").unlink()

    key_rotation.change(["make", *key_rotation.STORES])

    after = content(folder)
    assert after.keys() == before.keys() >= {*keys.SERVICE, "POSTGRES_PASSWORD"}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"PIXEL_KEYS"}


def test_make_writes_only_its_password_for_a_store(folder: Path) -> None:
    [given] = (folder / "POSTGRES_PASSWORD").iterdir()

    assert given.read_text() == content(folder)["POSTGRES_PASSWORD"]


def test_key_ring_accepts_a_key_before_using_it_and_drops_the_oldest(
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


def test_key_ring_keeps_its_last_key(folder: Path) -> None:
    with pytest.raises(SystemExit, match="only one key"):
        key_rotation.change(["drop", "TOKEN_KEYS"])


def test_secret_key_stays_valid_after_renewal(folder: Path) -> None:
    before = content(folder)["SECRET_KEY"]

    key_rotation.change(["renew", "SECRET_KEY"])

    after = content(folder)
    assert after["SECRET_KEY"] != before
    assert after["SECRET_KEY_FALLBACKS"] == before


def test_password_is_renewed_for_its_store_too(folder: Path) -> None:
    before = content(folder)["POSTGRES_PASSWORD"]

    key_rotation.change(["renew", "POSTGRES_PASSWORD"])

    after = content(folder)["POSTGRES_PASSWORD"]
    given = (folder / "POSTGRES_PASSWORD" / "POSTGRES_PASSWORD").read_text()
    assert before != after == given


@pytest.mark.parametrize(
    "arguments",
    [[], ["forget"], ["add"], ["add", "SECRET_KEY"], ["renew", "VISITOR_UID_KEY"]],
)
def test_unknown_arguments_print_usage_and_change_nothing(
    folder: Path, arguments: list[str]
) -> None:
    before = content(folder)

    with pytest.raises(SystemExit, match="keys make"):
        key_rotation.change(arguments)

    assert content(folder) == before


@pytest.mark.parametrize(
    "arguments",
    [["add", "PIXEL_KEYS"], ["renew", "SECRET_KEY"], ["renew", "POSTGRES_PASSWORD"]],
)
def test_each_change_reaches_the_processes_that_read_the_secret(
    folder: Path, arguments: list[str]
) -> None:
    key_rotation.change(arguments)

    given = {p.name: p.read_text() for p in (folder / "keys-redirects").iterdir()}
    assert given.keys() == set(key_rotation.shared()["keys-redirects"])
    assert "TOKEN_KEYS" not in given
    assert given == {name: content(folder)[name] for name in given}

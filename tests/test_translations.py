"""The catalogs match the code, have Russian for every text, and are compiled."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import polib
import pytest

from tests import messages, programs

Texts = dict[tuple[str | None, str], tuple[str, dict[int, str]]]


@pytest.fixture(scope="module")
def fresh(starts_processes: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of our code after `make messages`."""
    programs.find("xgettext", package="gettext")
    copy = tmp_path_factory.mktemp("messages") / "shortlinks"
    shutil.copytree(messages.SHORTLINKS, copy)
    messages.update(copy)
    return copy


def texts(entries: Iterable[polib.POEntry | polib.MOEntry]) -> Texts:
    return {
        (entry.msgctxt, entry.msgid): (entry.msgstr, entry.msgstr_plural)
        for entry in entries
    }


@pytest.mark.parametrize("name", messages.CATALOGS)
def test_texts_have_russian(name: str, fresh: Path) -> None:
    assert messages.without_russian(fresh, name) == []


@pytest.mark.parametrize("name", messages.CATALOGS)
def test_catalog_matches_the_code(name: str, fresh: Path) -> None:
    kept = messages.read(messages.SHORTLINKS, name)

    assert texts(kept) == texts(messages.read(fresh, name))


@pytest.mark.parametrize("name", messages.CATALOGS)
def test_compiled_catalog_matches_its_source(name: str) -> None:
    source = messages.read(messages.SHORTLINKS, name)

    [compiled] = (messages.SHORTLINKS / name).glob("*/*/*.mo")

    assert texts(polib.mofile(str(compiled))) == texts(source.translated_entries())

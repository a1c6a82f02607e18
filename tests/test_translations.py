"""The catalogues are up to date and complete, and compiled as they stand."""

import pytest

from translations import catalogues


@pytest.mark.parametrize("name", catalogues.SOURCES)
def test_everything_has_its_russian(name: str) -> None:
    """`python -m translations` brings them up to date."""
    kept = catalogues.read(name)

    fresh = catalogues.refreshed(name)

    assert {entry.msgid for entry in fresh} == {entry.msgid for entry in kept}
    assert [entry.msgid for entry in fresh.untranslated_entries()] == []
    assert str(kept) == str(fresh)


@pytest.mark.parametrize("name", catalogues.SOURCES)
def test_what_is_compiled_is_what_is_written(name: str) -> None:
    written = catalogues.path(name)

    compiled = catalogues.read(name).to_binary()

    assert written.with_suffix(".mo").read_bytes() == compiled


@pytest.mark.parametrize("name", catalogues.SOURCES)
def test_what_is_filled_in_stands_in_both(name: str) -> None:
    for entry in catalogues.read(name):
        texts = [entry.msgstr, *entry.msgstr_plural.values()]
        for field in catalogues.filled_in(entry.msgid):
            assert all(field in text for text in texts if text), entry.msgid

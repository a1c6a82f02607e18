"""Catalogues as files: made from the texts there are and the Russian there was."""

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import polib
from django.conf import settings

from translations import sources

PLURALS = (
    "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && "
    "(n%100<12 || n%100>14) ? 1 : 2);"
)
HEADER = {
    "Language": "ru",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": PLURALS,
}
NAMED = re.compile(r"%\(\w+\)[sd]")
WIDTH = 88
SHORTLINKS = Path(settings.BASE_DIR) / "shortlinks"
SOURCES: dict[str, Callable[[Path], polib.POFile]] = {
    "locale": sources.of_our_code,
    "locale_models": lambda _: sources.of_our_models(),
    "locale_unfold": sources.of_unfold,
    "locale_django": lambda _: sources.of_django(),
}


def path(name: str) -> Path:
    return SHORTLINKS / name / "ru" / "LC_MESSAGES" / "django.po"


def read(name: str) -> polib.POFile:
    return polib.pofile(str(path(name)), wrapwidth=WIDTH)


def refreshed(name: str) -> polib.POFile:
    """The catalogue as it should stand in the tree, with gaps where Russian lacks."""
    with TemporaryDirectory() as folder:
        texts = SOURCES[name](Path(folder))
    here = path(name)
    known = read(name) if here.exists() else polib.POFile()
    said = {(entry.msgctxt, entry.msgid): entry for entry in known}
    catalogue = polib.POFile(wrapwidth=WIDTH)
    catalogue.metadata = dict(HEADER)
    for text in sorted(texts, key=lambda entry: (entry.msgid, entry.msgctxt or "")):
        catalogue.append(_entry(text, said.get((text.msgctxt, text.msgid))))
    return catalogue


def _entry(text: polib.POEntry, known: polib.POEntry | None) -> polib.POEntry:
    entry = polib.POEntry(
        msgid=text.msgid,
        msgctxt=text.msgctxt,
        msgid_plural=text.msgid_plural,
        flags=text.flags,
    )
    if text.msgid_plural:
        plurals = known.msgstr_plural if known else {}
        entry.msgstr_plural = {n: plurals.get(n, "") for n in range(3)}
    elif known:
        entry.msgstr = known.msgstr
    return entry


def write(name: str) -> int:
    """How many texts have no Russian."""
    catalogue = refreshed(name)
    path(name).parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(path(name)))
    catalogue.save_as_mofile(str(path(name).with_suffix(".mo")))
    return len(catalogue.untranslated_entries())


def filled_in(text: str) -> set[str]:
    """The named places of a text, such as `%(count)d`."""
    return set(NAMED.findall(text))

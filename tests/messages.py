"""Collect the texts of the admin, list those without Russian and compile the catalogs.

`locale` has our own texts, `locale_unfold` those of the theme, which has no Russian.
Run `make messages`, or `python -m tests.messages` with settings.
"""

import shutil
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import django
import polib
import unfold
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from django.utils import translation

from devserver import apt

CATALOGS = ("locale", "locale_unfold")
SHORTLINKS = Path(settings.BASE_DIR, "shortlinks")
UNUSED = ["contrib/*", "*/crispy/*"]  # parts of unfold that no page has


def read(folder: Path, name: str) -> polib.POFile:
    return polib.pofile(str(folder / name / "ru" / "LC_MESSAGES" / "django.po"))


def update(folder: Path) -> None:
    """Collect the texts into the catalogs in `folder`, and compile them."""
    if apt.program("xgettext", package="gettext") is None:
        raise FileNotFoundError("xgettext: install gettext")
    ours, theirs = (folder / name for name in CATALOGS)
    with TemporaryDirectory() as copy:  # makemessages writes next to the templates
        theme = Path(copy, "unfold")
        shutil.copytree(Path(unfold.__file__).parent, theme)
        _collect(folder, ours)
        _collect(theme, theirs)
    with chdir(folder), override_settings(LOCALE_PATHS=[theirs]):
        call_command("compilemessages", locale=["ru"], verbosity=0)


def _collect(source: Path, catalog: Path) -> None:
    options = {"no_location": True, "no_obsolete": True, "ignore_patterns": UNUSED}
    with chdir(source), override_settings(LOCALE_PATHS=[catalog]):
        call_command("makemessages", locale=["ru"], verbosity=0, **options)
    [written] = catalog.glob("*/*/*.po")
    lines = written.read_text().splitlines(keepends=True)
    # The date changes with each run.
    kept = [line for line in lines if not line.startswith('"POT-Creation-Date')]
    written.write_text("".join(kept))


def without_russian(folder: Path, name: str) -> list[str]:
    """Return the texts that neither the catalog nor Django translates."""
    lacking = [entry for entry in read(folder, name) if not entry.translated()]
    with translation.override("ru"):
        return [entry.msgid for entry in lacking if _djangos(entry) == entry.msgid]


def _djangos(entry: polib.POEntry) -> str:
    """Return Django's translation. In Python 3.11.2, gettext finds no plurals."""
    if entry.msgid_plural:
        return translation.ngettext(entry.msgid, entry.msgid_plural, 1)
    return translation.gettext(entry.msgid)


if __name__ == "__main__":
    django.setup()
    update(SHORTLINKS)
    for name in CATALOGS:
        for text in without_russian(SHORTLINKS, name):
            sys.stdout.write(f"{name}: no Russian: {text}\n")

"""Which texts there are: in our code, in our models' names, and in unfold."""

import gettext
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
import polib
from django.apps import apps
from django.contrib import admin
from django.db.models import Field

from embedded import debian

SECONDS = 120
# Words of a language's own name, and of parts of unfold that no page here has.
UNUSED = ("crispy", "contrib")


def of_our_code(folder: Path) -> polib.POFile:
    return _extracted(_package("shortlinks"), folder)


def of_unfold(folder: Path) -> polib.POFile:
    """Without what Django has Russian for."""
    found = _extracted(_package("unfold"), folder)
    known = _djangos()
    lacking = [entry for entry in found if entry.msgid not in known]
    found[:] = lacking
    return found


def of_our_models() -> polib.POFile:
    """Names, explanations and choices of the models that have pages."""
    known = _djangos()
    catalogue = polib.POFile()
    for text in sorted(set(_said()) - known - {""}):
        catalogue.append(polib.POEntry(msgid=text))
    return catalogue


def _said() -> Iterator[str]:
    app = apps.get_app_config("shortlinks")
    yield str(app.verbose_name)
    for model in app.get_models():
        if not admin.site.is_registered(model):
            continue
        yield str(model._meta.verbose_name)
        yield str(model._meta.verbose_name_plural)
        for field in model._meta.get_fields():
            if isinstance(field, Field):
                yield from _of(field)


def _of(field: "Field[Any, Any]") -> Iterator[str]:
    yield str(field.verbose_name)
    yield str(field.help_text)
    yield from (str(label) for _, label in field.flatchoices)


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return Path(spec.origin).parent


def _djangos() -> set[str]:
    packages = ["conf", "contrib/admin", "contrib/auth"]
    folders = [Path(django.__file__).parent / name / "locale" for name in packages]
    return {
        key if isinstance(key, str) else key[0]
        for folder in folders
        for key in gettext.translation("django", folder, ["ru"])._catalog  # type: ignore[attr-defined]
    }


def _extracted(package: Path, folder: Path) -> polib.POFile:
    """What Django's makemessages finds in a copy, which has no settings of ours."""
    if debian.program("xgettext", package="gettext") is None:
        raise FileNotFoundError("xgettext: install gettext")
    copy = folder / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("locale*", *UNUSED))
    (copy / "locale").mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "DJANGO_SETTINGS_MODULE"
    }
    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "--locale=ru", "--keep-pot"],
        cwd=copy,
        env=environment,
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )
    return polib.pofile(str(copy / "locale" / "django.pot"))

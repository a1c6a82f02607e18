"""Which texts there are: in our code, in our models' names, in unfold and in Django."""

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

from devserver import apt

SECONDS = 120
# Words of a language's own name, and of parts of unfold that no page here has.
UNUSED = ("crispy", "contrib")

# What Django fills names into, which in Russian want a case and a gender that it does
# not know; and what is too long for a phone, or helps nobody.
SAID_OTHERWISE = (
    *("Save and continue editing", "Save and add another"),
    *("No, take me back", "Yes, I’m sure"),
    "This object doesn’t have a change history. It probably wasn’t added via this "
    "admin site.",
    *("Add %s", "Change %s", "View %s", "Add %(name)s", "Cannot delete %(name)s"),
    *("Change selected %(model)s", "View selected %(model)s"),
    *("Delete selected %(model)s", "Add another %(model)s"),
    "Add another %(verbose_name)s",
    "Delete selected %(verbose_name_plural)s",
    "Successfully deleted %(count)d %(items)s.",
    "Select all %(total_count)s %(module_name)s",
    "The %(name)s “%(obj)s” was deleted successfully.",
    "%(name)s with ID “%(key)s” doesn’t exist. Perhaps it was deleted?",
    *("Added {name} “{object}”.", "Deleted {name} “{object}”."),
    "Changed {fields} for {name} “{object}”.",
    "The {name} “{obj}” was added successfully.",
    "The {name} “{obj}” was added successfully. You may add another {name} below.",
    "The {name} “{obj}” was changed successfully.",
    "The {name} “{obj}” was changed successfully. You may add another {name} below.",
    "The {name} “{obj}” was changed successfully. You may edit it again below.",
    "%(count)s %(name)s was changed successfully.",
    "Deleting %(class_name)s %(instance)s would require deleting the following "
    "protected related objects: %(related_objects)s",
    "Deleting the %(object_name)s '%(escaped_object)s' would result in deleting "
    "related objects, but your account doesn't have permission to delete the "
    "following types of objects:",
    "Deleting the %(object_name)s '%(escaped_object)s' would require deleting the "
    "following protected related objects:",
    'Are you sure you want to delete the %(object_name)s "%(escaped_object)s"? All of '
    "the following related items will be deleted:",
    "Deleting the selected %(objects_name)s would result in deleting related objects, "
    "but your account doesn't have permission to delete the following types of "
    "objects:",
    "Deleting the selected %(objects_name)s would require deleting the following "
    "protected related objects:",
    "Are you sure you want to delete the selected %(objects_name)s? All of the "
    "following objects and their related items will be deleted:",
)


def of_our_code(folder: Path) -> polib.POFile:
    return _extracted(_package("shortlinks"), folder)


def of_unfold(folder: Path) -> polib.POFile:
    """Without what Django has Russian for."""
    found = _extracted(_package("unfold"), folder)
    known = _djangos()
    lacking = [entry for entry in found if entry.msgid not in known]
    found[:] = lacking
    return found


def of_django() -> polib.POFile:
    """What is said otherwise than Django says it."""
    folder = Path(django.__file__).parent / "contrib" / "admin" / "locale"
    theirs = polib.pofile(str(folder / "en" / "LC_MESSAGES" / "django.po"))
    catalogue = polib.POFile()
    catalogue.extend(entry for entry in theirs if entry.msgid in SAID_OTHERWISE)
    return catalogue


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
    if apt.program("xgettext", package="gettext") is None:
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

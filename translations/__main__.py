"""Brings the catalogues up to date and says what lacks."""

import django

django.setup()

from translations import catalogues  # noqa: E402 - it asks the models

for name in catalogues.SOURCES:
    print(f"{name}: without Russian: {catalogues.write(name)}")

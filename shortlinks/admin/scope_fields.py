"""The choice of scopes in the forms of tokens and integrations."""

from collections.abc import Iterable

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from shortlinks.models import Scope


def field() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=capfirst(_("scopes")),
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


def labels(scopes: Iterable[str]) -> str:
    return ", ".join(str(Scope(scope).label) for scope in scopes)

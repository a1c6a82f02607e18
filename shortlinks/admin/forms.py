"""Forms of rows that two people may edit at the same time.

Each field also posts the value that the page showed. A field that the user left alone
gets the row's current value. A field that both people changed is an error, and
saving again replaces the other value. The caller locks the row.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

Row = TypeVar("Row", bound=Model)

CONFLICT = _(
    "While you were editing, someone else changed this to “%(value)s”. Your entry is"
    " kept. Save again to replace theirs."
)


class AdminForm(forms.ModelForm[Row]):
    """A form that writes only the fields that its user changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._conflicts: list[str] = []
        if self.instance.pk is None:
            return
        for bound in self._editable():
            bound.field.show_hidden_initial = not self.is_bound or self._posts(bound)
        if self.is_bound:
            self._merge()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in self._conflicts:
            value = _display(self[name])
            self.add_error(name, ValidationError(CONFLICT, params={"value": value}))
        return data

    def _editable(self) -> Iterator[BoundField]:
        return (bound for bound in self if not bound.field.disabled)

    def _posts(self, bound: BoundField) -> bool:
        """Return whether the request has the shown value, which scripts do not send."""
        widget = bound.field.hidden_widget()
        return not widget.value_omitted_from_data(
            self.data, self.files, bound.html_initial_name
        )

    def _merge(self) -> None:
        """Replace shown values, and unedited fields, by the current values."""
        merged = cast(QueryDict, self.data).copy()
        for bound in self._editable():
            field, current = bound.field, bound.initial
            if not self._posts(bound) or not field.has_changed(current, _shown(bound)):
                continue
            _write(merged, field.hidden_widget(), bound.html_initial_name, bound)
            if not _is_edited(bound):
                _write(merged, field.widget, bound.html_name, bound)
            elif field.has_changed(current, bound.data):
                self._conflicts.append(bound.name)
        self.data = merged


def _shown(bound: BoundField) -> Any:
    form, widget = bound.form, bound.field.hidden_widget()
    return widget.value_from_datadict(form.data, form.files, bound.html_initial_name)


def _is_edited(bound: BoundField) -> bool:
    try:
        shown = bound.field.to_python(_shown(bound))
    except ValidationError:
        return True
    return bound.field.has_changed(shown, bound.data)


def _write(data: QueryDict, widget: forms.Widget, name: str, bound: BoundField) -> None:
    """Write the row's current value into the data, as a browser would post it."""
    _write_value(data, widget, name, bound.field.prepare_value(bound.initial))


def _write_value(data: QueryDict, widget: forms.Widget, name: str, value: Any) -> None:
    data.pop(name, None)
    if isinstance(widget, forms.MultiWidget):
        parts = widget.decompress(value) or []
        for number, (inner, part) in enumerate(zip(widget.widgets, parts, strict=True)):
            _write_value(data, inner, f"{name}_{number}", part)
    elif isinstance(widget, forms.CheckboxInput):
        if value:
            data[name] = "on"
    else:
        shown = widget.format_value(value)
        data.setlist(name, shown if isinstance(shown, list) else [shown or ""])


def _display(bound: BoundField) -> str:
    """Return the row's value as a person reads it."""
    field, value = bound.field, bound.initial
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if value in field.empty_values:
        return gettext("empty")
    if isinstance(field, forms.ModelChoiceField):
        rows = cast(QuerySet[Model], field.queryset)
        return str(rows.filter(pk=value).first() or value)
    if isinstance(field, forms.ChoiceField):
        labels = dict(cast(Iterable[tuple[Any, Any]], field.choices))
        chosen = value if isinstance(value, list) else [value]
        return ", ".join(str(labels.get(each, each)) for each in chosen)
    return str(field.prepare_value(value))

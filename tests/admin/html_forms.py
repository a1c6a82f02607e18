"""Forms of a page, as a browser posts them."""

from html.parser import HTMLParser
from typing import Any

Fields = dict[str, list[str]]
UNCHECKED = ("checkbox", "radio")
BUTTONS = ("submit", "button", "image", "reset", "file")


class _Parser(HTMLParser):
    """Collector of the forms that are sent by POST."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Fields] = []
        self._select: tuple[str, list[str]] | None = None
        self._textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
        elif tag == "input":
            self._input(of, of.get("type", "text"))
        elif tag == "select":
            self._select = (of.get("name", ""), [])
        elif tag == "option" and self._select and "selected" in of:
            self._select[1].append(of.get("value", ""))
        elif tag == "textarea":
            self._textarea = of.get("name", "")
            self._add(self._textarea, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select:
            for value in self._select[1]:
                self._add(self._select[0], value)
            self._select = None
        elif tag == "textarea":
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._textarea is not None and self.forms:
            self.forms[-1][self._textarea][-1] += data.lstrip("\n")

    def _input(self, of: dict[str, str], kind: str) -> None:
        is_off = kind in UNCHECKED and "checked" not in of
        if not is_off and kind not in BUTTONS and "disabled" not in of:
            default = "on" if kind in UNCHECKED else ""
            self._add(of.get("name", ""), of.get("value", default))

    def _add(self, name: str, value: str) -> None:
        if name and self.forms:
            self.forms[-1].setdefault(name, []).append(value)


def parse(response: Any, having: str) -> Fields:
    """Return the fields of the form that has a field whose name begins like this."""
    parser = _Parser()
    parser.feed(response.content.decode())
    [found] = [
        form for form in parser.forms if any(name.startswith(having) for name in form)
    ]
    return found

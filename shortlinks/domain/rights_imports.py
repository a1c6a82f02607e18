"""Users and their letters out of a table: checked by row, then all good ones stored."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext_noop

from shortlinks.domain import tables
from shortlinks.models import Group, Right, User

LETTERS = {
    "view": "contacts_view",
    "edit": "contacts_edit",
    "add": "contacts_add",
    "delete": "contacts_delete",
    "export": "contacts_export",
}
HEADS = {
    "email": "email",
    "e-mail": "email",
    "почта": "email",
    "name": "name",
    "имя": "name",
    "group": "group",
    "группа": "group",
    **{name: name for name in LETTERS},
    "видеть": "view",
    "изменять": "edit",
    "добавлять": "add",
    "удалять": "delete",
    "выгружать": "export",
}
# Russian keyboards have letters that look the same.
LOOK_ALIKE = str.maketrans("АМ", "AM")
RANKS = {letter: rank for rank, letter in enumerate("DMGA")}
LONGEST_NAME = 250

NO_HEAD = gettext_noop(
    "The first row must name the columns: email, name, group, view, edit, add,"
    " delete, export."
)
NO_EMAIL = gettext_noop("This is no e-mail address.")
TWICE = gettext_noop("This e-mail stands in several rows.")
TAKEN = gettext_noop("This e-mail is somebody's whom you may not change.")
NO_GROUP = gettext_noop("There is no such group.")
NO_LETTER = gettext_noop("A right is one of the letters A, G, M, D.")
TOO_LONG = gettext_noop("A name is longer than 250 characters.")
# Which letter may reach no further than which, and what is said then.
ORDER = (
    ("edit", "view", gettext_noop("One may not edit more than one may view.")),
    ("delete", "edit", gettext_noop("One may not delete more than one may edit.")),
    ("export", "view", gettext_noop("One may not export more than one may view.")),
)
ADD = gettext_noop("The right to add is for all or nobody.")


@dataclass(slots=True)
class Line:
    """A row of the table by its number there, and the user it makes or changes."""

    number: int
    given: dict[str, str]
    user: User = field(default_factory=User)
    faults: list[str] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        return self.user.pk is not None


@dataclass(frozen=True, slots=True)
class Stored:
    created: Sequence[User]
    changed: Sequence[User]
    left_out: int


def check(rows: Sequence[Sequence[str]], by: User) -> list[Line]:
    """Every row with what is wrong with it; NoHead if no column is known."""
    lines = [Line(number, given) for number, given in tables.named(rows, HEADS)]
    _find_users(lines, by)
    groups = {group.name: group for group in Group.objects.filter(account=by.account)}
    for line in lines:
        _read_names(line, groups)
        _read_letters(line)
    return lines


@transaction.atomic
def store(lines: Iterable[Line]) -> Stored:
    """All rows that have no fault, or none. New users have no password yet."""
    lines = list(lines)
    good = [line for line in lines if not line.faults]
    known = [line.user for line in good if line.is_known]
    new = [line.user for line in good if not line.is_known]
    for user in new:
        user.set_unusable_password()
    User.objects.bulk_update(known, ["name", "group", *LETTERS.values()], 500)
    User.objects.bulk_create(new, 500)
    return Stored(new, known, len(lines) - len(good))


def _find_users(lines: Sequence[Line], by: User) -> None:
    """By their e-mail; nobody changes operators, nor what is another account's."""
    asked = Counter(_email(line) for line in lines)
    rows = User.objects.filter(email__in=asked).select_related("group")
    known = {user.email: user for user in rows}
    for line in lines:
        email = _email(line)
        is_ones = asked[email] == 1
        line.user = known.get(email) or _new(email, by)
        if line.user.account_id != by.account_id or line.user.is_superuser:
            line.faults.append(TAKEN)
        if not is_ones:
            line.faults.append(TWICE)


def _email(line: Line) -> str:
    return line.given.get("email", "").lower()


def _new(email: str, by: User) -> User:
    language = by.account.language if by.account else by.language
    return User(email=email, account=by.account, language=language)


def _read_names(line: Line, groups: Mapping[str, Group]) -> None:
    """An empty cell leaves what is there."""
    try:
        validate_email(line.user.email)
    except ValidationError:
        line.faults.append(NO_EMAIL)
    if name := line.given.get("name"):
        line.user.name = name
    if group := line.given.get("group"):
        line.user.group = groups.get(group)
        if group not in groups:
            line.faults.append(NO_GROUP)
    if len(line.user.name) > LONGEST_NAME:
        line.faults.append(TOO_LONG)


def _read_letters(line: Line) -> None:
    for column, name in LETTERS.items():
        letter = line.given.get(column, "").upper().translate(LOOK_ALIKE)
        if letter and letter not in RANKS:
            line.faults.append(NO_LETTER)
            return
        if letter:
            setattr(line.user, name, letter)
    line.faults += _against_the_order(line.user)


def _against_the_order(user: User) -> list[str]:
    ranks = {column: RANKS[getattr(user, name)] for column, name in LETTERS.items()}
    faults = [text for one, than, text in ORDER if ranks[one] > ranks[than]]
    if user.contacts_add not in (Right.ALL, Right.DENIED):
        faults.append(ADD)
    return faults

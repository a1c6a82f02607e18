"""Users and their letters out of a table: rows are checked, then stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_noop

from shortlinks.domain import import_lines
from shortlinks.domain.import_lines import Stored
from shortlinks.domain.tables import Given
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
class Line(import_lines.Line):
    user: User = field(default_factory=User)


def check(rows: Iterable[Given], by: User) -> Sequence[Line]:
    """Every row with what is wrong with it; locks the users that are there."""
    lines = [Line(number, given) for number, given in rows]
    _find_users(lines, by)
    groups = {group.name: group for group in Group.objects.filter(account=by.account)}
    for line in lines:
        _read_names(line, groups)
        _read_letters(line)
    return lines


def store(lines: Sequence[Line], by: User) -> Stored:
    """The rows, of which none may have a fault. New users have no password yet."""
    known = [line.user for line in lines if line.seen]
    new = [line.user for line in lines if not line.seen]
    for user in new:
        user.set_unusable_password()
    User.objects.bulk_update(known, ["name", "group", *LETTERS.values()])
    User.objects.bulk_create(new)
    return Stored(created=new, changed=known)


def _find_users(lines: Sequence[Line], by: User) -> None:
    """By their e-mail; nobody changes operators, nor what is another account's."""
    rows = User.objects.filter(email__in={_email(line) for line in lines})
    locked = rows.select_related("group").order_by("pk")
    known = {user.email: user for user in locked.select_for_update(of=("self",))}
    for line in lines:
        line.key = email = _email(line)
        if email in known:
            line.user, line.seen = known[email], _seen(known[email])
        else:
            line.user = _new(email, by)
        if line.user.account_id != by.account_id or line.user.is_superuser:
            line.faults.append(TAKEN)


def _seen(user: User) -> str:
    letters = "".join(getattr(user, name) for name in LETTERS.values())
    return f"{user.pk} {letters} {user.group_id} {user.name}"


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

"""Users and their letters out of a table: rows are checked, then stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_noop

from shortlinks.domain.imports import checked_rows
from shortlinks.domain.imports.checked_rows import StoredRows
from shortlinks.domain.imports.spreadsheets import ParsedRow
from shortlinks.models import AccessLevel, Group, User

LEVEL_COLUMNS = {
    "view": "contacts_view",
    "edit": "contacts_edit",
    "add": "contacts_add",
    "delete": "contacts_delete",
    "export": "contacts_export",
}
HEADERS = {
    "email": "email",
    "e-mail": "email",
    "почта": "email",
    "name": "name",
    "имя": "name",
    "group": "group",
    "группа": "group",
    **{name: name for name in LEVEL_COLUMNS},
    "видеть": "view",
    "изменять": "edit",
    "добавлять": "add",
    "удалять": "delete",
    "выгружать": "export",
}
# Russian keyboards have letters that look the same.
LOOK_ALIKE = str.maketrans("АМ", "AM")
RANKS = {letter: rank for rank, letter in enumerate("DMGA")}
MAX_NAME_LENGTH = 250

HEADER_MISSING = gettext_noop(
    "The first row must name the columns: email, name, group, view, edit, add,"
    " delete, export."
)
EMAIL_MISSING = gettext_noop("This is no e-mail address.")
DUPLICATE = gettext_noop("This e-mail stands in several rows.")
EMAIL_TAKEN = gettext_noop("This e-mail is somebody's whom you may not change.")
GROUP_MISSING = gettext_noop("There is no such group.")
LEVEL_MISSING = gettext_noop("A right is one of the letters A, G, M, D.")
TOO_LONG = gettext_noop("A name is longer than 250 characters.")
# Which letter may reach no further than which, and what is said then.
ORDER = (
    ("edit", "view", gettext_noop("One may not edit more than one may view.")),
    ("delete", "edit", gettext_noop("One may not delete more than one may edit.")),
    ("export", "view", gettext_noop("One may not export more than one may view.")),
)
ADD = gettext_noop("The right to add is for all or nobody.")


@dataclass(slots=True)
class UserRow(checked_rows.CheckedRow):
    user: User = field(default_factory=User)


def check(rows: Iterable[ParsedRow], by: User) -> Sequence[UserRow]:
    """Every row with what is wrong with it; locks the users that are there."""
    lines = [UserRow(number, given) for number, given in rows]
    _find_users(lines, by)
    groups = {group.name: group for group in Group.objects.filter(account=by.account)}
    for line in lines:
        _read_names(line, groups)
        _read_levels(line)
    return lines


def store(lines: Sequence[UserRow], by: User) -> StoredRows:
    """The rows, of which none may have a fault. New users have no password yet."""
    known = [line.user for line in lines if line.existing_version]
    new = [line.user for line in lines if not line.existing_version]
    for user in new:
        user.set_unusable_password()
    User.objects.bulk_update(known, ["name", "group", *LEVEL_COLUMNS.values()])
    User.objects.bulk_create(new)
    return StoredRows(created=new, changed=known)


def _find_users(lines: Sequence[UserRow], by: User) -> None:
    """By their e-mail; nobody changes operators, nor what is another account's."""
    rows = User.objects.filter(email__in={_email(line) for line in lines})
    locked = rows.select_related("group").order_by("pk")
    known = {user.email: user for user in locked.select_for_update(of=("self",))}
    for line in lines:
        line.key = email = _email(line)
        if email in known:
            line.user, line.existing_version = (
                known[email],
                _existing_version(known[email]),
            )
        else:
            line.user = _new(email, by)
        if line.user.account_id != by.account_id or line.user.is_superuser:
            line.errors.append(EMAIL_TAKEN)


def _existing_version(user: User) -> str:
    letters = "".join(getattr(user, name) for name in LEVEL_COLUMNS.values())
    return f"{user.pk} {letters} {user.group_id} {user.name}"


def _email(line: UserRow) -> str:
    return line.cells.get("email", "").lower()


def _new(email: str, by: User) -> User:
    language = by.account.language if by.account else by.language
    return User(email=email, account=by.account, language=language)


def _read_names(line: UserRow, groups: Mapping[str, Group]) -> None:
    """An empty cell leaves what is there."""
    try:
        validate_email(line.user.email)
    except ValidationError:
        line.errors.append(EMAIL_MISSING)
    if name := line.cells.get("name"):
        line.user.name = name
    if group := line.cells.get("group"):
        line.user.group = groups.get(group)
        if group not in groups:
            line.errors.append(GROUP_MISSING)
    if len(line.user.name) > MAX_NAME_LENGTH:
        line.errors.append(TOO_LONG)


def _read_levels(line: UserRow) -> None:
    for column, name in LEVEL_COLUMNS.items():
        letter = line.cells.get(column, "").upper().translate(LOOK_ALIKE)
        if letter and letter not in RANKS:
            line.errors.append(LEVEL_MISSING)
            return
        if letter:
            setattr(line.user, name, letter)
    line.errors += _against_the_order(line.user)


def _against_the_order(user: User) -> list[str]:
    ranks = {
        column: RANKS[getattr(user, name)] for column, name in LEVEL_COLUMNS.items()
    }
    faults = [text for one, than, text in ORDER if ranks[one] > ranks[than]]
    if user.contacts_add not in (AccessLevel.ALL, AccessLevel.DENIED):
        faults.append(ADD)
    return faults

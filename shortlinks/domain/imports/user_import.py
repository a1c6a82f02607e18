"""Import of users and their access levels."""

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
# Cyrillic letters that look like Latin ones.
LOOK_ALIKE = str.maketrans("АМ", "AM")
RANKS = {letter: rank for rank, letter in enumerate("DMGA")}
MAX_NAME_LENGTH = 250
MAX_EMAIL_LENGTH = 254

HEADER_MISSING = gettext_noop(
    "The first row must contain the column names: email, name, group, view,"
    " edit, add, delete, export."
)
EMAIL_INVALID = gettext_noop("Enter a valid e-mail address.")
EMAIL_TOO_LONG = gettext_noop("The e-mail is longer than 254 characters. Shorten it.")
DUPLICATE = gettext_noop("This e-mail is in several rows. Keep one of them.")
EMAIL_TAKEN = gettext_noop("You are not allowed to change the user with this e-mail.")
GROUP_UNKNOWN = gettext_noop("This group does not exist. Create it first.")
LEVEL_INVALID = gettext_noop("An access level must be A, G, M or D.")
TOO_LONG = gettext_noop("A name is longer than 250 characters. Shorten it.")
# A right, the right that it must not exceed, and the error if it does.
ORDER = (
    ("edit", "view", gettext_noop("Edit access cannot exceed view access.")),
    ("delete", "edit", gettext_noop("Delete access cannot exceed edit access.")),
    ("export", "view", gettext_noop("Export access cannot exceed view access.")),
)
ADD = gettext_noop("Add access can only be A or D.")


@dataclass(slots=True)
class UserRow(checked_rows.CheckedRow):
    user: User = field(default_factory=User)


def find_columns(names: Sequence[str]) -> Sequence[str]:
    return [HEADERS.get(name, "") for name in names]


def check(rows: Iterable[ParsedRow], by: User) -> Sequence[UserRow]:
    """Return the rows with their errors, and lock existing users."""
    lines = [UserRow.parsed(row) for row in rows]
    _find_users(lines, by)
    groups = {group.name: group for group in Group.objects.filter(account=by.account)}
    for line in lines:
        _read_names(line, groups)
        _read_levels(line)
        line.is_unchanged = line.existing_version == _version_of(line.user)
    return lines


def store(lines: Sequence[UserRow], by: User) -> StoredRows:
    """Store the rows, which must have no errors. New users have no password yet."""
    existing = [line.user for line in lines if line.existing_version]
    new = [line.user for line in lines if not line.existing_version]
    for user in new:
        user.set_unusable_password()
    User.objects.bulk_update(existing, ["name", "group", *LEVEL_COLUMNS.values()])
    User.objects.bulk_create(new)
    return StoredRows(created=new, changed=existing)


def _find_users(lines: Sequence[UserRow], by: User) -> None:
    """Find existing users, and reject operators and users of other accounts."""
    rows = User.objects.filter(email__in={_email(line) for line in lines})
    locked = rows.select_related("group").order_by("pk")
    existing = {user.email: user for user in locked.select_for_update(of=("self",))}
    for line in lines:
        line.key = email = _email(line)
        line.user = existing.get(email) or _new(email, by)
        if email in existing:
            line.existing_version = _version_of(line.user)
        if line.user.account_id != by.account_id or line.user.is_superuser:
            line.errors.append(EMAIL_TAKEN)


def _version_of(user: User) -> str:
    levels = "".join(getattr(user, name) for name in LEVEL_COLUMNS.values())
    return f"{user.pk} {levels} {user.group_id} {user.name}"


def _email(line: UserRow) -> str:
    return line.cells.get("email", "").lower()


def _new(email: str, by: User) -> User:
    language = by.account.language if by.account else by.language
    return User(email=email, account=by.account, language=language)


def _read_names(line: UserRow, groups: Mapping[str, Group]) -> None:
    """Read the text columns; an empty cell changes nothing."""
    line.errors += _email_errors(line.user.email)
    if name := line.cells.get("name"):
        line.user.name = name
    if group := line.cells.get("group"):
        line.user.group = groups.get(group)
        if group not in groups:
            line.errors.append(GROUP_UNKNOWN)
    if len(line.user.name) > MAX_NAME_LENGTH:
        line.errors.append(TOO_LONG)


def _email_errors(email: str) -> list[str]:
    if len(email) > MAX_EMAIL_LENGTH:
        return [EMAIL_TOO_LONG]
    try:
        validate_email(email)
    except ValidationError:
        return [EMAIL_INVALID]
    return []


def _read_levels(line: UserRow) -> None:
    for column, name in LEVEL_COLUMNS.items():
        letter = line.cells.get(column, "").upper().translate(LOOK_ALIKE)
        if letter and letter not in RANKS:
            line.errors.append(LEVEL_INVALID)
            return
        if letter:
            setattr(line.user, name, letter)
    line.errors += _order_errors(line.user)


def _order_errors(user: User) -> list[str]:
    ranks = {
        column: RANKS[getattr(user, name)] for column, name in LEVEL_COLUMNS.items()
    }
    errors = [text for one, than, text in ORDER if ranks[one] > ranks[than]]
    if user.contacts_add not in (AccessLevel.ALL, AccessLevel.DENIED):
        errors.append(ADD)
    return errors

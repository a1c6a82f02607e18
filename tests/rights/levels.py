"""Callers, contacts, and what each caller may do with each contact.

A cell of the table is `edit`, `view` or `-`, for a contact that looks missing. It
follows docs/contract.md: A all, G own group, M own contacts, D denied.
"""

from shortlinks.models import Account, Group, User
from tests import factories

EDIT, VIEW, NONE = "edit", "view", "-"
OWN, MERGED_OWN = "own", "merged-own"

ADMINISTRATOR = "administrator"
# The caller's levels: view, edit, add, delete.
LEVELS = {
    ADMINISTRATOR: "ADAD",
    "all": "AAAA",
    "all-edit-own": "AMAM",
    "all-edit-none": "ADDD",
    "group": "GGAD",
    "group-edit-own": "GMAM",
    "own": "MMAD",
    "own-edit-none": "MDDD",
    "none": "DDDD",
}
# The user responsible for `mate` is in the caller's group, for `other` in another one.
# A merged contact counts as its survivor. Nobody is responsible for the anonymous one.
TABLE = """
caller          own   merged-own  mate  other  merged-other  anonymous  deleted  foreign
administrator   edit  edit        edit  edit       edit              edit       -        -
all             edit  edit        edit  edit       edit              edit       -        -
all-edit-own    edit  edit        view  view       view              view       -        -
all-edit-none   view  view        view  view       view              view       -        -
group           edit  edit        edit  -          -                 -          -        -
group-edit-own  edit  edit        view  -          -                 -          -        -
own             edit  edit        -     -          -                 -          -        -
own-edit-none   view  view        -     -          -                 -          -        -
none            -     -           -     -          -                 -          -        -
"""  # noqa: E501  one line for each caller


def _parsed(table: str) -> dict[str, dict[str, str]]:
    head, *rows = (line.split() for line in table.strip().splitlines())
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


RIGHTS = _parsed(TABLE)
CALLERS = tuple(RIGHTS)
CONTACTS = tuple(RIGHTS[ADMINISTRATOR])


def weaker(one: str, other: str) -> str:
    """Return what the caller may do with both of two contacts."""
    return max(one, other, key=(EDIT, VIEW, NONE).index)


def may_add(caller: str) -> bool:
    return LEVELS[caller][2] == "A"


def may_delete(caller: str) -> bool:
    """Return whether the caller may delete what they may edit."""
    return caller == ADMINISTRATOR or LEVELS[caller][3] != "D"


def create(name: str, account: Account, group: Group) -> User:
    view, edit, add, delete = tuple(LEVELS[name])
    return factories.user(
        account,
        name=name,
        group=group,
        is_admin=name == ADMINISTRATOR,
        contacts_view=view,
        contacts_edit=edit,
        contacts_add=add,
        contacts_delete=delete,
    )

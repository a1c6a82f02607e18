"""A provider's users get their rights from groups, or are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlinks.domain.auth import provider_users
from shortlinks.domain.auth.identity_providers import LIMITS, RANKS, Provider, Rights
from shortlinks.domain.auth.provider_users import (
    Identity,
    KnownUser,
    NewUser,
    Reason,
    Refusal,
    SignIn,
)

OWN, OTHER = 1, 2  # accounts
SALES = Rights(contacts_view="G", contacts_edit="M")
SUPPORT = Rights(contacts_view="A", contacts_export="M")
CHIEFS = Rights(is_admin=True)
GROUPS = {"sales": SALES, "support": SUPPORT, "chiefs": CHIEFS}


def provider(**fields: Any) -> Provider:
    named: dict[str, Any] = {
        "id": "company",
        "name": "Company",
        "server_url": "https://a.example",
    }
    return Provider(**named, client_id="a", client_secret="b", **fields)


OF_ACCOUNT = provider(account="own", groups=GROUPS)
OF_ALL = provider()
OF_ALL_WITH_GROUPS = provider(groups=GROUPS)
OF_ACCOUNT_WITHOUT_GROUPS = provider(account="own")
MEMBER = Identity("s", "anna@shop.example", True, groups=frozenset({"sales"}))  # noqa: FBT003
STRANGER = Identity("s", "anna@shop.example", True, groups=frozenset({"x"}))  # noqa: FBT003
UNVERIFIED = Identity("s", "anna@shop.example", groups=frozenset({"sales"}))
USER = KnownUser(7, OWN)
FOREIGN = KnownUser(8, OTHER)
INACTIVE = KnownUser(7, OWN, is_active=False)
OPERATOR = KnownUser(9, None, is_operator=True)
OWN_OPERATOR = KnownUser(9, OWN, is_operator=True)
NOT_HERE = Refusal(Reason.NOT_HERE)


@pytest.mark.parametrize(
    ("groups", "rights"),
    [
        pytest.param([], None, id="none"),
        pytest.param(["others", "Sales"], None, id="unmapped"),
        pytest.param(["sales", "others"], SALES, id="one"),
        pytest.param(
            ["sales", "support"],
            Rights(contacts_view="A", contacts_edit="M", contacts_export="M"),
            id="highest of each",
        ),
        pytest.param(
            ["sales", "chiefs"],
            Rights(is_admin=True, contacts_view="G", contacts_edit="M"),
            id="administrator",
        ),
    ],
)
def test_rights_are_the_highest_of_all_groups(
    groups: list[str], rights: Rights | None
) -> None:
    assert provider_users.rights_of(OF_ACCOUNT, groups) == rights


levels = st.sampled_from("DMGA")


@st.composite
def valid_rights(draw: st.DrawFn) -> Rights:
    view = draw(levels)
    edit = min(draw(levels), view, key=RANKS.__getitem__)
    return Rights(
        contacts_view=view,  # type: ignore[arg-type]
        contacts_edit=edit,  # type: ignore[arg-type]
        contacts_delete=min(draw(levels), edit, key=RANKS.__getitem__),  # type: ignore[arg-type]
        contacts_export=min(draw(levels), view, key=RANKS.__getitem__),  # type: ignore[arg-type]
    )


@given(st.lists(valid_rights(), min_size=1, max_size=4))
def test_no_right_exceeds_its_limit(mapped: list[Rights]) -> None:
    groups = {str(number): each for number, each in enumerate(mapped)}

    rights = provider_users.rights_of(provider(groups=groups), groups)

    for right, limit in LIMITS:
        assert RANKS[getattr(rights, right)] <= RANKS[getattr(rights, limit)]


@pytest.mark.parametrize(
    ("of", "identity", "linked", "same_email", "decision"),
    [
        # known by the link
        (OF_ACCOUNT, MEMBER, USER, None, SignIn(7, SALES)),
        (OF_ACCOUNT, UNVERIFIED, USER, None, SignIn(7, SALES)),
        (OF_ACCOUNT, MEMBER, USER, FOREIGN, SignIn(7, SALES)),
        (OF_ACCOUNT_WITHOUT_GROUPS, STRANGER, USER, None, SignIn(7, None)),
        (OF_ACCOUNT, STRANGER, USER, None, Refusal(Reason.NO_GROUP, 7, True)),  # noqa: FBT003
        (OF_ACCOUNT, MEMBER, INACTIVE, None, Refusal(Reason.INACTIVE, 7)),
        (OF_ACCOUNT, MEMBER, FOREIGN, None, NOT_HERE),
        (OF_ACCOUNT, MEMBER, OWN_OPERATOR, None, NOT_HERE),
        # known by the e-mail
        (OF_ACCOUNT, MEMBER, None, USER, SignIn(7, SALES)),
        (OF_ACCOUNT, STRANGER, None, USER, Refusal(Reason.NO_GROUP, 7)),
        (OF_ACCOUNT, MEMBER, None, INACTIVE, Refusal(Reason.INACTIVE, 7)),
        (OF_ACCOUNT, MEMBER, None, FOREIGN, NOT_HERE),
        (OF_ACCOUNT, MEMBER, None, OPERATOR, NOT_HERE),
        (OF_ACCOUNT, MEMBER, None, OWN_OPERATOR, NOT_HERE),
        (OF_ACCOUNT, UNVERIFIED, None, USER, Refusal(Reason.NO_EMAIL)),
        (OF_ALL, STRANGER, None, FOREIGN, SignIn(8, None)),
        (OF_ALL, STRANGER, None, OPERATOR, SignIn(9, None)),
        (OF_ALL, UNVERIFIED, None, OPERATOR, Refusal(Reason.NO_EMAIL)),
        (OF_ALL_WITH_GROUPS, MEMBER, None, FOREIGN, SignIn(8, SALES)),
        (OF_ALL_WITH_GROUPS, MEMBER, None, OPERATOR, SignIn(9, None)),
        (
            OF_ALL_WITH_GROUPS,
            STRANGER,
            None,
            OPERATOR,
            Refusal(Reason.NO_GROUP, 9),
        ),
        # not known
        (OF_ACCOUNT, MEMBER, None, None, NewUser(SALES)),
        (OF_ACCOUNT, UNVERIFIED, None, None, Refusal(Reason.NO_EMAIL)),
        (OF_ACCOUNT, STRANGER, None, None, Refusal(Reason.NO_GROUP)),
        (
            OF_ACCOUNT_WITHOUT_GROUPS,
            MEMBER,
            None,
            None,
            Refusal(Reason.NO_GROUP),
        ),
        (OF_ALL, MEMBER, None, None, Refusal(Reason.NO_USER)),
        (OF_ALL_WITH_GROUPS, MEMBER, None, None, Refusal(Reason.NO_USER)),
    ],
)
def test_user_is_chosen_by_link_then_email_then_groups(
    of: Provider,
    identity: Identity,
    linked: KnownUser | None,
    same_email: KnownUser | None,
    decision: object,
) -> None:
    account_id = OWN if of.account else None

    assert (
        provider_users.decide(
            of, identity, account_id=account_id, linked=linked, same_email=same_email
        )
        == decision
    )


@pytest.mark.parametrize(
    ("linked", "decision"),
    [(None, Refusal(Reason.NO_USER)), (USER, NOT_HERE), (OPERATOR, NOT_HERE)],
    ids=["new", "linked", "operator"],
)
def test_provider_of_a_missing_account_signs_in_nobody(
    linked: KnownUser | None, decision: object
) -> None:
    assert (
        provider_users.decide(
            OF_ACCOUNT, MEMBER, account_id=None, linked=linked, same_email=None
        )
        == decision
    )


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, Identity("s")),
        (
            {"email": "Anna@Shop.example", "email_verified": True, "groups": ["a"]},
            Identity("s", "anna@shop.example", True, groups=frozenset("a")),  # noqa: FBT003
        ),
        (
            {"email": "anna@b.example", "email_verified": "true", "groups": "a"},
            Identity("s", "anna@b.example", True, groups=frozenset("a")),  # noqa: FBT003
        ),
        (
            {"email": "anna@b.example", "email_verified": 1, "groups": [{}, None]},
            Identity("s", "anna@b.example"),
        ),
        ({"email": "anna@b.example"}, Identity("s", "anna@b.example")),
        (
            {"email": "anna@domain.example"},
            Identity("s", "anna@domain.example", True),  # noqa: FBT003
        ),
        (
            {"email": "anna@domain.example", "email_verified": False},
            Identity("s", "anna@domain.example"),
        ),
        (
            {"email": "anna@sub.domain.example"},
            Identity("s", "anna@sub.domain.example"),
        ),
        ({"email": "no e-mail", "email_verified": True}, Identity("s")),
        ({"email": ["a@b.example"], "email_verified": True}, Identity("s")),
        ({"name": "A\0nna", "groups": 7}, Identity("s", name="Anna")),
        ({"name": 7}, Identity("s")),
    ],
)
def test_claims_may_be_missing_or_of_another_type(
    claims: dict[str, Any], expected: Identity
) -> None:
    of = provider(verified_domains=("domain.example",))

    assert provider_users.identity(of, "s", claims) == expected

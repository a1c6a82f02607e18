"""The token's account, and its users."""

from shortlinks.api import account, users
from shortlinks.api.openapi import lists
from shortlinks.api.openapi.operations import Operation, SuccessResponse
from shortlinks.api.openapi.schemas import integer, reference
from shortlinks.api.resources.accounts import Account, User
from shortlinks.models import Scope

TAG = "Account"
USERS = "/api/v4/users"
COUNTS = {"_total_items": integer(1, minimum=1), "_page_count": integer(1, minimum=1)}
FOR_ADMINISTRATORS = "Only for administrators."
OPERATIONS = (
    Operation(
        id="get_account",
        route="GET /api/v4/account",
        summary="Get the token's account",
        parameters=[lists.with_parameter(["version", *account.EMBEDDED])],
        response=SuccessResponse("The account.", reference(Account)),
    ),
    Operation(
        id="list_users",
        route=f"GET {USERS}",
        scope=Scope.USERS_READ,
        summary="List the account's users with their permissions",
        description=FOR_ADMINISTRATORS,
        parameters=lists.parameters(users.QUERY),
        response=lists.response("users", User, USERS, COUNTS),
    ),
    Operation(
        id="get_user",
        route=f"GET {USERS}/{{user_id}}",
        scope=Scope.USERS_READ,
        summary="Get one user with their permissions",
        description=FOR_ADMINISTRATORS,
        response=SuccessResponse("The user.", reference(User)),
    ),
)

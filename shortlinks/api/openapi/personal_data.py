"""Exports and erasures of persons."""

from shortlinks.api.openapi.contacts import PATH
from shortlinks.api.openapi.operations import JSON, Operation, SuccessResponse
from shortlinks.api.openapi.schemas import Json, reference
from shortlinks.api.resources.personal_data import Erasure
from shortlinks.models import Scope

TAG = "Personal data"
PERSON = f"{PATH}/{{entity_id}}/personal_data"
RECEIPT = "GET /api/v4/erasures/{erasure_id}"
EXPORT: Json = {
    "type": "object",
    "required": ["exported_at", "tables"],
    "additionalProperties": False,
    "properties": {
        "exported_at": {
            "type": "integer",
            "description": "Unix seconds.",
            "examples": [1_795_000_000],
        },
        "tables": {
            "type": "object",
            "description": "Rows by table. Their columns may change.",
            "additionalProperties": {"type": "array", "items": {"type": "object"}},
            "examples": [{"contact": [{"entity_id": 11070881, "name": "Anna"}]}],
        },
    },
}
ADMINISTRATORS = "Only administrators may do this."
OPERATIONS = (
    Operation(
        id="export_person",
        route=f"GET {PERSON}",
        scope=Scope.PERSONAL_DATA,
        summary="Export everything that is stored about a person",
        description="All contacts that are merged are one person. The contact may be"
        f" deleted. {ADMINISTRATORS}",
        response=SuccessResponse("The rows.", EXPORT, media_type=JSON),
    ),
    Operation(
        id="erase_person",
        route=f"DELETE {PERSON}",
        scope=Scope.PERSONAL_DATA,
        summary="Erase a person",
        description="Recording ends at once. Rows are erased within seconds. Links go"
        " on redirecting. The id cannot be used again until an administrator allows it."
        f" {ADMINISTRATORS}",
        response=SuccessResponse("The receipt.", reference(Erasure), status=202),
    ),
    Operation(
        id="get_erasure",
        route=RECEIPT,
        scope=Scope.PERSONAL_DATA,
        summary="Get the receipt of an erasure",
        description=ADMINISTRATORS,
        response=SuccessResponse("The receipt.", reference(Erasure)),
    ),
)

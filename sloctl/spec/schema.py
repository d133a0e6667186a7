"""The JSON Schemas of a spec and of a repository's settings, made of the types that read them."""

from typing import Any, Final

import msgspec

from sloctl.spec.budget_policies import BudgetPolicyDocument
from sloctl.spec.exclusions import ExclusionsDocument
from sloctl.spec.field_types import Choice, Fields
from sloctl.spec.fields import Document, Objective
from sloctl.spec.messages import join_words
from sloctl.spec.presets import load_shipped_preset, shipped_names
from sloctl.spec.settings_fields import SettingsDocument

SCHEMA_ID: Final = "https://sloctl.dev/schema/v1.json"


SETTINGS_SCHEMA_ID: Final = "https://sloctl.dev/schema/settings-v1.json"
BUDGET_POLICY_SCHEMA_ID: Final = "https://sloctl.dev/schema/budget-policy-v1.json"
EXCLUSIONS_SCHEMA_ID: Final = "https://sloctl.dev/schema/exclusions-v1.json"


# JSON is what a schema is; its own types would say no more than Any does.
def json_schema() -> dict[str, Any]:
    """Build the schema, of draft 2020-12 and complete in itself."""
    schema = _document_schema(Document)
    presets = [
        f"{name} ({join_words(load_shipped_preset(name).parameters, last='and')})" for name in shipped_names()
    ]
    # No list of allowed names: an organisation's own presets have names of their own.
    schema["$defs"]["Preset"]["properties"]["name"] |= {
        "examples": list(shipped_names()),
        "description": f"Which preset: one of your own, or with its parameters {', '.join(presets)}.",
    }
    # An SLO may have neither: then the spec has an objective for all of them, or the repository has.
    del schema["$defs"]["Objective"]["oneOf"]
    schema["$defs"]["Objective"]["not"] = {"required": list(Objective.exactly_one)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "sloctl spec",
        **schema,
    }


def settings_schema() -> dict[str, Any]:
    """Build the schema of `.sloctl.yaml`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SETTINGS_SCHEMA_ID,
        "title": "sloctl settings of a repository",
        **_document_schema(SettingsDocument),
    }


def budget_policy_schema() -> dict[str, Any]:
    """Build the schema of a document of kind BudgetPolicy."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": BUDGET_POLICY_SCHEMA_ID,
        "title": "sloctl error budget policy",
        **_document_schema(BudgetPolicyDocument),
    }


def exclusions_schema() -> dict[str, Any]:
    """Build the schema of a document of kind Exclusions."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": EXCLUSIONS_SCHEMA_ID,
        "title": "sloctl exclusions",
        **_document_schema(ExclusionsDocument),
    }


def _document_schema(document: type[Fields]) -> dict[str, Any]:
    schema: dict[str, Any] = msgspec.json.schema(document)
    definitions = schema["$defs"]
    # Other documents have choices too.
    for struct in (choice for choice in Choice.__subclasses__() if choice.__name__ in definitions):
        encoded = {field.name: field.encode_name for field in msgspec.structs.fields(struct)}
        definitions[struct.__name__]["oneOf"] = [{"required": [encoded[name]]} for name in struct.exactly_one]
    return schema

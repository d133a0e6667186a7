"""Print the JSON Schema of a spec, a repository's settings, a budget policy or exclusions, for editors.

example:
  sloctl schema > slo.schema.json
  sloctl schema settings             of .sloctl.yaml
  sloctl schema budget-policy        of kind: BudgetPolicy
  sloctl schema exclusions           of kind: Exclusions

and as the first line of a spec:
  # yaml-language-server: $schema=./slo.schema.json
"""

import argparse
import json
from typing import Final

from sloctl.cli.exit_codes import FINE
from sloctl.spec import budget_policy_schema, exclusions_schema, json_schema, settings_schema

_SCHEMAS: Final = {
    "spec": json_schema,
    "settings": settings_schema,
    "budget-policy": budget_policy_schema,
    "exclusions": exclusions_schema,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("of", nargs="?", choices=_SCHEMAS, default="spec", help="default spec")


def run(arguments: argparse.Namespace) -> int:
    print(json.dumps(_SCHEMAS[arguments.of](), indent=2, ensure_ascii=False))
    return FINE

"""Print the JSON Schema of a spec, for editors.

example:
  sloctl schema > slo.schema.json

and as the first line of a spec:
  # yaml-language-server: $schema=./slo.schema.json
"""

import argparse
import json

from sloctl.cli.exit_codes import FINE
from sloctl.spec import json_schema


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Add nothing: the schema has no options."""


def run(_: argparse.Namespace) -> int:
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return FINE

"""Text → Slo: what people write becomes what it means, or problems at the right line."""

from sloctl.spec.reader import ParsedSpecs, read_specs
from sloctl.spec.schema import json_schema

__all__ = ["ParsedSpecs", "json_schema", "read_specs"]

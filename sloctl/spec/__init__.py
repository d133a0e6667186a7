"""Text → Slo: what people write becomes what it means, or problems at the right line."""

from sloctl.spec.read import Specs, read
from sloctl.spec.schema import json_schema

__all__ = ["Specs", "json_schema", "read"]

"""Specs: text in, SLOs out, or problems at the right line.

A text takes these steps; all problems of all texts are collected on the way.

- `yaml_nodes`: text → nodes, each value with its line and column.
- `structure`: a document → the types in `fields`, `indicator_fields` and `field_types`, from which `schema`
  makes the JSON Schema too. `structure_errors` finds every mistake in what they refuse.
- `native`: one document → its SLOs; by `indicators` (with `presets`, of which `shipped_presets/` has many),
  `labels`, `alerting`, and for the smallest parts `values`: a text → a value, or a `Violation`.
- `journeys`: a `composite` → its parts, and what those of them count that are SLOs.
- `objectives`: several objectives of one indicator → one of each.
- `checks`: what only a whole SLO can show.
- `findings`: a violation and a node → a `Problem`; `messages` has the words that all of them use.
- `settings`: what a repository's `.sloctl.yaml` says of its specs; `suppressions`: comments that take a
  finding back.
- `budget_policies`: documents of kind BudgetPolicy; `policy_file`: alerting alone, to be tried in a backtest.
- `exclusions`: documents of kind Exclusions, and the SLOs that they are for.
- `reader`: all of this for many files, and what must be unique among them.

`dialects` are the specs of other tools, which become documents of ours.
"""

from sloctl.spec.dialects.translation import ReadingOptions
from sloctl.spec.exclusions import count_exclusions, exclusions_indent
from sloctl.spec.reader import ParsedSpecs, read_specs
from sloctl.spec.schema import budget_policy_schema, exclusions_schema, json_schema, settings_schema

__all__ = [
    "ParsedSpecs",
    "ReadingOptions",
    "budget_policy_schema",
    "count_exclusions",
    "exclusions_indent",
    "exclusions_schema",
    "json_schema",
    "read_specs",
    "settings_schema",
]

"""Rewrite specs of Sloth, Pyrra or OpenSLO as specs of sloctl, and report what changed.

Files go to DIR, one a service, with the comments above each SLO; without -d there is only the report. What
they compile into is what the foreign specs compile into, byte for byte: `sloctl compile` reads those too.
SLOs that cannot be read are left out and told (exit code 1); all others are written.

example:
  sloctl migrate sloth/ -d slos
  sloctl migrate sloth/ -d slos -o markdown > migration.md
  sloctl migrate sloth/ --prove --prometheus http://127.0.0.1:9090 --from 7d

With --prove it evaluates the original expressions and ours over the past of that Prometheus: both ratios of
every window, the pages that each would have sent, and what each reads. Whole days are kept in --cache; after
Ctrl-C the same command goes on.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sloctl import outputs
from sloctl.cli.arguments import add_label_style, add_output_format, add_specs
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND
from sloctl.cli.proving import add_proof_options, prove_migration
from sloctl.cli.spec_arguments import read_spec_texts, reading_options
from sloctl.compiler import Artefact
from sloctl.migrate.migration import MigrationOutcome, migrate_specs
from sloctl.migrate.report import FORMATS, count_outcomes, migration_object
from sloctl.problems import ProblemLevel
from sloctl.proof.comparison import SloComparison
from sloctl.proof.report import proof_objects, render_proof_markdown, render_proof_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    parser.add_argument(
        "-d",
        "--output-dir",
        metavar="DIR",
        type=Path,
        help="write the specs here; without it there is only the report",
    )
    add_output_format(parser, FORMATS)
    add_label_style(parser)
    add_proof_options(parser)


def run(arguments: argparse.Namespace) -> int:
    migration = migrate_specs(read_spec_texts(arguments.specs), reading_options(arguments))
    if arguments.output_dir is not None:
        files = [Artefact(file.path, file.text) for file in migration.files]
        changed = outputs.write_artefacts(arguments.output_dir, files)
        print(f"{len(files)} files, {changed} changed", file=sys.stderr)
    comparisons = prove_migration(migration, arguments) if arguments.prove else []
    if arguments.output == "json":
        sys.stdout.write(json.dumps(migration_object(migration) | _proof_key(comparisons), indent=2) + "\n")
    else:
        sys.stdout.write(FORMATS[arguments.output](migration))
        if comparisons:
            render = render_proof_markdown if arguments.output == "markdown" else render_proof_text
            sys.stdout.write(f"\n{render(comparisons)}")
    is_refused = count_outcomes(migration)[MigrationOutcome.REFUSED] > 0
    has_errors = any(problem.level is ProblemLevel.ERROR for problem in migration.problems)
    return PROBLEMS_FOUND if is_refused or has_errors else FINE


def _proof_key(comparisons: Sequence[SloComparison]) -> dict[str, object]:
    return {"proof": proof_objects(comparisons)} if comparisons else {}

"""Count what becomes of other tools' specs below a folder, by reader and by shape, as in docs/migration.md.

  python -m bench.foreign_specs FOLDER [-d DIR]

Each file is read alone; those of OpenSLO with all files below their folder, as they refer to each other. With
-d what is migrated is written, a directory for each file, to be compiled and tested.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sloctl.files import read_spec_files
from sloctl.migrate.migration import MigratedSlo, Migration, MigrationOutcome, migrate_specs
from sloctl.model import (
    ConditionIndicator,
    ErrorRatioIndicator,
    Indicator,
    LatencyIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    RatioIndicator,
)
from sloctl.spec import ReadingOptions, read_specs
from sloctl.table import format_markdown_table

_READERS: Final = {"openslo": "OpenSLO", "pyrra.dev": "Pyrra", "sloth": "Sloth", "prometheus/v1": "Sloth"}
_SHAPES: Final[dict[type[Indicator], str]] = {
    RatioIndicator: "ratio",
    LatencyIndicator: "latency",
    NativeLatencyIndicator: "native latency",
    ProbeIndicator: "probe",
    ConditionIndicator: "condition",
    QueryIndicator: "query",
    ErrorRatioIndicator: "errorRatio",
}

_OUTCOMES: Final = ("clean", "noted", "refused")


def count_specs(folder: Path, output: Path | None) -> str:
    """Return the table of the SLOs below *folder*."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    silent = []
    for name, paths in _sets_of_files(folder):
        migration = migrate_specs(read_spec_files([str(path) for path in paths]), ReadingOptions())
        if not migration.slos and not migration.problems:
            silent.append(name)
        shapes = _shapes_of(migration)
        for slo in migration.slos:
            reader = _reader_of(Path(slo.place.path))
            if slo.outcome is MigrationOutcome.REFUSED:
                counts[reader, _reasons_of(slo, migration)]["refused"] += 1
            else:
                counts[reader, shapes.get(slo.slo, "?")]["noted" if slo.notes else "clean"] += 1
        for file in migration.files if output is not None else ():
            path = Path(str(output), name, file.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text)
    rows = [
        (f"{reader}, {shape}", str(of_shape.total()), *(str(of_shape[it]) for it in _OUTCOMES))
        for (reader, shape), of_shape in sorted(counts.items())
    ]
    told = f"\nneither an SLO nor a problem: {', '.join(silent)}\n" if silent else ""
    return format_markdown_table([("reader and what it became", "SLOs", *_OUTCOMES), *rows]) + told


def _sets_of_files(folder: Path) -> Iterator[tuple[str, Sequence[Path]]]:
    """Give each file, or all files of OpenSLO together, and a name for them."""
    together = []
    for path in sorted(it for it in folder.rglob("*") if it.suffix in {".yaml", ".yml", ".json"}):
        if _reader_of(path) == "OpenSLO":
            together.append(path)
        else:
            yield "-".join(path.relative_to(folder).with_suffix("").parts), [path]
    if together:
        yield "openslo", together


def _reader_of(path: Path) -> str:
    text = path.read_text(errors="replace")
    return next((reader for mark, reader in _READERS.items() if mark in text), "none")


def _shapes_of(migration: Migration) -> dict[str, str]:
    read = read_specs((file.path, file.text.encode()) for file in migration.files)
    return {slo.id: _SHAPES[type(slo.indicator)] for slo in read.slos}


def _reasons_of(refused: MigratedSlo, migration: Migration) -> str:
    """Name the problems that stand between an SLO and the next one."""
    place = refused.place
    after = [it.place.line for it in migration.slos if it.place.path == place.path]
    until = min((line for line in after if line > place.line), default=1 << 30)
    codes = {
        problem.code
        for problem in migration.problems
        if problem.place.path == place.path and place.line <= problem.place.line < until
    }
    return ", ".join(sorted(codes)) or "without a reason"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-d", dest="output", type=Path)
    arguments = parser.parse_args()
    print(count_specs(arguments.folder, arguments.output))


if __name__ == "__main__":
    main()

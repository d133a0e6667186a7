"""Foreign specs compile to the same bytes directly and through the files that `migrate` writes."""

from pathlib import Path
from typing import Final

import pytest

from sloctl.compiler import compile_artefacts
from sloctl.migrate.migration import MigrationOutcome, migrate_specs
from sloctl.migrate.report import count_outcomes
from sloctl.naming import NATIVE_STYLE, SLOTH_STYLE, LabelStyle
from sloctl.problems import ProblemLevel
from sloctl.spec import ReadingOptions, read_specs

FIXTURES: Final = sorted(Path(__file__).parent.glob("*/*.yaml"))


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
@pytest.mark.parametrize("style", [NATIVE_STYLE, SLOTH_STYLE], ids=["slo", "sloth"])
def test_both_ways_give_the_same_bytes(fixture: Path, style: LabelStyle) -> None:
    options = ReadingOptions(style)
    source = [(str(fixture), fixture.read_bytes())]

    direct = read_specs(source, options)
    migrated = migrate_specs(source, options)
    again = read_specs([(file.path, file.text.encode()) for file in migrated.files], options)

    assert [it for it in direct.problems if it.level is ProblemLevel.ERROR] == []
    assert [it for it in again.problems if it.level is ProblemLevel.ERROR] == []
    assert direct.slos != ()
    assert compile_artefacts(again.slos, style) == compile_artefacts(direct.slos, style)


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_slo_is_accounted_for(fixture: Path) -> None:
    source = [(str(fixture), fixture.read_bytes())]

    migrated = migrate_specs(source, ReadingOptions())

    assert sorted(it.slo for it in migrated.slos) == [it.id for it in read_specs(source).slos]
    assert count_outcomes(migrated)[MigrationOutcome.REFUSED] == 0

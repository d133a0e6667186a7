"""How the code reads has figures, and limits for some of them: `make style` prints them all."""

from pathlib import Path

import pytest

from bench.style_figures import StyleFigures, measure_style

SAMPLE = '''
class Budget:
    def left(self) -> float:
        """What is left."""
        return 1.0

    def _spent(self, at):
        return 0.0


class Budget:
    """A second one."""


def render_rules(slo: str) -> str:
    """Render the rules of one SLO."""
    return slo


def __getattr__(name): ...
'''


@pytest.fixture(scope="module")
def ours() -> StyleFigures:
    return measure_style([Path("sloctl")])


def test_the_figures_of_a_small_module(tmp_path: Path) -> None:
    (tmp_path / "budget.py").write_text(SAMPLE)

    assert measure_style([tmp_path]) == StyleFigures(
        files=1,
        lines=20,
        functions=3,
        median_function_lines=3,
        long_function_lines=3,
        docstrings=2,
        verb_openings=0.5,
        relative_openings=0.5,
        one_word_names=2 / 3,
        shared_class_names=("Budget",),
        mirrored_class_names=(),
        private_per_thousand_lines=50,
        typed=2 / 3,
    )


def test_every_function_is_typed(ours: StyleFigures) -> None:
    assert ours.typed == 1


def test_docstrings_of_functions_begin_with_a_verb(ours: StyleFigures) -> None:
    assert ours.verb_openings >= 0.6
    assert ours.relative_openings <= 0.02


def test_names_of_functions_say_what_they_do(ours: StyleFigures) -> None:
    assert ours.one_word_names <= 0.45


def test_a_class_name_stands_once_but_for_mirrors_of_a_schema(ours: StyleFigures) -> None:
    assert ours.shared_class_names == ()
    assert ours.mirrored_class_names == ("Alert", "Alerting", "Contributor", "Slo", "Source", "Target")


def test_thoughts_are_not_cut_into_private_helpers(ours: StyleFigures) -> None:
    assert ours.private_per_thousand_lines <= 20

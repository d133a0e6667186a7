"""How the code reads, in figures: run as `python -m bench.style_figures [PATH…]`, of sloctl/ by default.

Prints one Markdown table. Nothing is imported: files are parsed. `tests/test_style.py` holds the limits.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).parents[1]
# Modules whose classes are named by a published schema, so that they may share a name with a value of ours.
SCHEMA_MIRRORS: Final = (
    "sloctl/sidecar/config/fields.py",
    "sloctl/sidecar/http/api/shapes.py",
    "sloctl/spec/fields.py",
)
_RELATIVE_OPENINGS: Final = frozenset({"how", "what", "which", "who"})
# The verbs that a docstring of ours may begin with: one that is missing here does not count as a verb.
_VERB_LIST: Final = """
accept acquire add adjust advance align allow answer append apply approximate arrange ask assert assign
attach backfill bind bound build calculate call cancel canonicalise cap catch check choose clamp clean clear
close collect combine compare compile complete compress compute configure connect consume convert copy
correct count cover create cut deal decide declare decode decompress decrease deduplicate define delete
deliver derive describe detect determine dial discard dispatch display divide download draw drop dump emit
empty enable encode end enforce enter enumerate escape estimate evaluate evict exclude execute exit expand
expect explain export express extend extract fail fetch fill filter find finish fire fit fix flag flatten
flush fold follow forget format forward free freeze gather generate get give group guard guess handle hash
hide hold humanize identify ignore import include increase index infer inform inherit initialise initialize
inline insert inspect install interpolate interpret invert invoke iterate join judge jump keep know label
lay leave let lift limit link list listen load locate lock log look lower make map mark mask match mean
measure merge migrate mirror model move multiply name narrow negotiate normalise normalize note notify
number observe offer omit open order override pack pad parse pass pause peek perform pick place plan plot
poll pop post prefer prepare preserve prevent print process produce promote provide prune publish pull push
put query quote raise rank rate read rebuild receive recompute reconcile record recover redact redirect
reduce refer refresh refuse register reject relabel release reload remember remove rename render renew
reopen repair repeat replace replay reply report represent request require reset resize resolve respond
restore restrict resume retain retry return reverse revert rewind rewrite round route run sample sanitise
sanitize save scale scan schedule scrape search select send separate serialise serialize serve set settle
shift shorten show shrink shut signal simplify simulate skip slice smooth snapshot sort spell split spread
stack start state stop store stream strip submit subtract suggest sum summarise summarize suspend swap
switch take tell terminate test tick time total trace track translate trim truncate try tune turn unescape
union unpack unregister unwrap update upgrade use validate verify visit wait walk warn watch weigh wrap
write yield
"""
_VERBS: Final = frozenset(_VERB_LIST.split())

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class StyleFigures:
    """Figures of some modules; shares are of 1, *docstrings* are those of functions.

    *shared_class_names* are those that two classes have, schema mirrors aside; *mirrored_class_names* those
    that a class has in common with its mirror.
    """

    files: int
    lines: int
    functions: int
    median_function_lines: float
    long_function_lines: float
    docstrings: int
    verb_openings: float
    relative_openings: float
    one_word_names: float
    shared_class_names: tuple[str, ...]
    mirrored_class_names: tuple[str, ...]
    private_per_thousand_lines: float
    typed: float


def measure_style(paths: Iterable[Path]) -> StyleFigures:
    """Measure all modules below *paths*, which hold at least two functions and one docstring."""
    files = sorted(file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py")))
    texts = {file: file.read_text() for file in files}
    modules = {file: ast.parse(text) for file, text in texts.items()}
    functions = [function for module in modules.values() for function in iterate_functions(module)]
    lengths = [(function.end_lineno or function.lineno) - function.lineno + 1 for function in functions]
    openings = [opening for function in functions if (opening := first_word(function))]
    names = [function.name for function in functions]
    lines = sum(text.count("\n") for text in texts.values())
    shared, mirrored = repeated_class_names(modules)
    return StyleFigures(
        files=len(files),
        lines=lines,
        functions=len(functions),
        median_function_lines=median(lengths),
        long_function_lines=quantiles(lengths, n=10)[-1],
        docstrings=len(openings),
        verb_openings=share(opening in _VERBS for opening in openings),
        relative_openings=share(opening in _RELATIVE_OPENINGS for opening in openings),
        one_word_names=share("_" not in name.strip("_") for name in names),
        shared_class_names=shared,
        mirrored_class_names=mirrored,
        private_per_thousand_lines=1000 * sum(name.startswith("_") for name in names) / lines,
        typed=share(is_typed(function) for function in functions),
    )


def iterate_functions(module: ast.Module) -> Iterator[Function]:
    """Yield functions and methods, nested ones too, without `__init__` and its like."""
    for node in ast.walk(module):
        if isinstance(node, Function) and not node.name.startswith("__"):
            yield node


def first_word(function: Function) -> str:
    """Return the first word of the docstring in lower case; empty where there is none."""
    words = (ast.get_docstring(function) or "").split(maxsplit=1)
    return words[0].strip("`*:;,.").lower() if words else ""


def repeated_class_names(modules: dict[Path, ast.Module]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the classes that several modules define: our own, and those that mirror one of a schema."""
    mirrors = {ROOT / mirror for mirror in SCHEMA_MIRRORS}
    own, mirrored = Counter[str](), Counter[str]()
    for file, module in modules.items():
        names = [node.name for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
        (mirrored if file.resolve() in mirrors else own).update(names)
    shared = sorted(name for name, count in own.items() if count > 1)
    return tuple(shared), tuple(sorted(name for name in mirrored if own[name] + mirrored[name] > 1))


def is_typed(function: Function) -> bool:
    """Tell whether the result and every parameter but self and cls has a type."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    parameters = [each for each in every if each is not None and each.arg not in {"self", "cls"}]
    return function.returns is not None and all(each.annotation is not None for each in parameters)


def share(answers: Iterable[bool]) -> float:
    """Return the share of the answers that are yes; 0 of none."""
    counted = list(answers)
    return sum(counted) / len(counted) if counted else 0.0


def render_table(figures: StyleFigures) -> str:
    """Write the figures as a Markdown table."""
    shared = figures.shared_class_names
    rows = {
        "files, lines, functions": f"{figures.files}, {figures.lines:,}, {figures.functions:,}",
        "function lines, median / 90th": f"{figures.median_function_lines:.0f} / "
        f"{figures.long_function_lines:.0f}",
        "function docstrings that begin with a verb": f"{figures.verb_openings:.0%} of {figures.docstrings}",
        "docstrings that begin with What, How, Which or Who": f"{figures.relative_openings:.0%}",
        "one-word function names": f"{figures.one_word_names:.0%}",
        "class names defined twice": ", ".join(shared) or "none",
        "class names shared with a schema's mirror": ", ".join(figures.mirrored_class_names) or "none",
        "private functions per 1,000 lines": f"{figures.private_per_thousand_lines:.1f}",
        "typed functions": f"{figures.typed:.0%}",
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def main(arguments: Sequence[str]) -> None:
    print(render_table(measure_style([Path(each) for each in arguments] or [ROOT / "sloctl"])))


if __name__ == "__main__":
    main(sys.argv[1:])

"""The output directory: written all or nothing, compared with what is there."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sloctl.compiler import Artefact
from sloctl.targets.prometheus import HEADER


def write_artefacts(directory: Path, artefacts: Iterable[Artefact]) -> int:
    """Replace what differs and return how many files that was.

    Every new text lies complete beside its place before the first old one goes. Raises OSError, and then
    leaves the directory as it was.
    """
    pending: list[tuple[Path, Path]] = []
    try:
        for artefact in artefacts:
            place = directory / artefact.path
            if _read_if_present(place) != artefact.text:
                place.parent.mkdir(parents=True, exist_ok=True)
                beside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
                pending.append((beside, place))
                beside.write_text(artefact.text, encoding="utf-8", newline="\n")
    except OSError:
        for beside, _ in pending:
            beside.unlink(missing_ok=True)
        raise
    for beside, place in pending:
        beside.replace(place)
    return len(pending)


def diff_artefacts(directory: Path, artefacts: Iterable[Artefact]) -> Iterator[str]:
    """A unified diff, from what is there to what should be, for every stale or missing file."""
    from difflib import unified_diff  # noqa: PLC0415 - most checks find nothing to compare

    for artefact in artefacts:
        place = directory / artefact.path
        found = _read_if_present(place)
        if found != artefact.text:
            yield "".join(
                unified_diff(
                    (found or "").splitlines(keepends=True),
                    artefact.text.splitlines(keepends=True),
                    fromfile=str(place) if found is not None else "/dev/null",
                    tofile=f"{place} (compiled)",
                )
            )


def find_orphaned_files(directory: Path, artefacts: Iterable[Artefact]) -> list[Path]:
    """YAML that sloctl once compiled beside these, from a spec that is not among theirs.

    They are named, never removed: whoever compiles one spec of many must not lose the others.
    """
    current = {directory / artefact.path for artefact in artefacts}
    found = sorted(place for folder in {place.parent for place in current} for place in folder.glob("*.yaml"))
    return [place for place in found if place not in current and _starts_with(place, HEADER)]


def _starts_with(place: Path, header: str) -> bool:
    with place.open(encoding="utf-8", errors="replace") as file:
        return file.read(len(header)) == header


def _read_if_present(place: Path) -> str | None:
    try:
        return place.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None

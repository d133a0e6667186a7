"""The output directory: written all or nothing, and compared with what is there."""

import os
from collections.abc import Iterable, Iterator
from errno import EEXIST
from pathlib import Path

from sloctl.compiler import Artefact
from sloctl.targets.prometheus import HEADER


def write_artefacts(directory: Path, artefacts: Iterable[Artefact]) -> int:
    """Replace the files that differ and return how many those were.

    Every new text lies complete beside its place before the first old one goes. Raises OSError, and then
    leaves the directory as it was.
    """
    pending: list[tuple[Path, Path]] = []
    place = directory
    try:
        for artefact in artefacts:
            place = directory / artefact.path
            if not _is_written(place, artefact.text):
                place.parent.mkdir(parents=True, exist_ok=True)
                beside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
                pending.append((beside, place))
                beside.write_text(artefact.text, encoding="utf-8", newline="\n")
    except OSError as failed:
        for beside, _ in pending:
            beside.unlink(missing_ok=True)
        if failed.filename is None:
            # A full disk is told of a descriptor, which has no name.
            failed.filename = str(place)
        raise
    for beside, place in pending:
        beside.replace(place)
    return len(pending)


def diff_artefacts(directory: Path, artefacts: Iterable[Artefact]) -> Iterator[str]:
    """Yield a unified diff, from what is there to what should be, for every stale or missing file."""
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
    """List the YAML files beside *artefacts* that sloctl compiled from specs that are not among theirs.

    They are never removed: a compilation of one spec of many must not delete the others' files.
    """
    current = {directory / artefact.path for artefact in artefacts}
    beside = {place for folder in {place.parent for place in current} for place in folder.glob("*.yaml")}
    orphaned = []
    # Opening a FIFO would wait for somebody to write to it.
    for place in sorted(place for place in beside - current if place.is_file()):
        with place.open(encoding="utf-8", errors="replace") as file:
            if file.read(len(HEADER)) == HEADER:
                orphaned.append(place)
    return orphaned


def _is_written(place: Path, text: str) -> bool:
    """Tell whether a file holds *text*, whatever ends its lines."""
    _refuse_devices(place)
    # Most are what they were: to decode them first takes several times as long.
    if place.is_file() and place.read_bytes() == text.encode():
        return True
    return _read_if_present(place) == text


def _refuse_devices(place: Path) -> None:
    """Raise FileExistsError for what opens like a file and is none."""
    if place.is_fifo() or place.is_char_device() or place.is_socket():
        raise FileExistsError(EEXIST, "is no file that could be written", str(place))


def _read_if_present(place: Path) -> str | None:
    _refuse_devices(place)
    try:
        return place.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None

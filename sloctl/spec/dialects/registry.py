"""The dialects that are read, by the header of their documents."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from sloctl.spec.dialects.translation import DialectReader
from sloctl.spec.yaml_nodes import Node


class Dialect(Struct, frozen=True):
    """A format of another tool; *load_reader* imports its reader, which nobody else waits for."""

    name: str
    owns_header: Callable[[str, str], bool]
    load_reader: Callable[[], DialectReader]


def _load_sloth() -> DialectReader:
    from sloctl.spec.dialects.sloth.reader import read_sloth_documents  # noqa: PLC0415 - only for such files

    return read_sloth_documents


def _load_pyrra() -> DialectReader:
    from sloctl.spec.dialects.pyrra.reader import read_pyrra_documents  # noqa: PLC0415 - only for such files

    return read_pyrra_documents


def _load_openslo() -> DialectReader:
    from sloctl.spec.dialects.openslo.reader import read_openslo_documents  # noqa: PLC0415 - only for such files

    return read_openslo_documents


DIALECTS: Final = (
    Dialect(
        "OpenSLO",
        lambda version, _: version.split("/")[0] in {"openslo", "openslo.com"},
        _load_openslo,
    ),
    Dialect("Pyrra", lambda version, _: version.split("/")[0] == "pyrra.dev", _load_pyrra),
    Dialect(
        "Sloth",
        lambda version, _: version.split("/")[0] in {"prometheus", "sloth.slok.dev"},
        _load_sloth,
    ),
)


def find_dialect(document: Node) -> Dialect | None:
    """Return the dialect that the header of *document* names: `apiVersion` or `version`, and `kind`."""
    entries = document.entries
    version = entries.get("apiVersion") or entries.get("version")
    kind = entries.get("kind")
    if version is None:
        return None
    header = (version.text, kind.text if kind is not None else "")
    return next((dialect for dialect in DIALECTS if dialect.owns_header(*header)), None)

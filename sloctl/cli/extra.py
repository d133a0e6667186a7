"""Commands that need more than the compiler's dependencies."""

from collections.abc import Iterator
from contextlib import contextmanager

from sloctl.cli.exit_codes import CouldNotRun


@contextmanager
def require_sidecar_extra() -> Iterator[None]:
    """Imports inside may be missing: then the command says how to install them."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("sloctl"):
            raise
        raise CouldNotRun(f"{missing.name} is not installed: pip install 'sloctl[sidecar]'") from missing

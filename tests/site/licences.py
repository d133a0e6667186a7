"""docs/licences.md, made of what is installed: run as `python -m tests.site.licences`."""

import re
from collections.abc import Iterator
from importlib.metadata import distribution
from typing import Final

from tests.site.build import ROOT

PAGE: Final = ROOT / "docs/licences.md"
# What the lock holds to build a checkout, and no installation of a release brings.
BUILD_TOOLS: Final = frozenset(
    {"editables", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers"}
)
# Of a package whose metadata name none, as its own file of the licence says.
READ_BY_HAND: Final = {"promql-parser": "MIT"}
# One licence has several spellings in metadata.
SPELLINGS: Final = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
}
_INTRODUCTION: Final = (
    "# Licences\n\n"
    "sloctl is under Apache-2.0. What its wheels bring along, as their own metadata name it; a test compares "
    "this list with the locks. None of them asks more of you than to keep its notice; certifi, under "
    "MPL-2.0, is a list of authorities that is passed on unchanged.\n\n"
    "| package | licence | brought by |\n|---|---|---|\n"
)


def main() -> None:
    PAGE.write_text(licence_page())


def licence_page() -> str:
    """The page: every package that an installed sloctl brings."""
    base = set(locked_names("base"))
    rows = [
        f"| {name} | {licence_of(name)} | {'sloctl' if name in base else 'the extra `sidecar`'} |\n"
        for name in locked_names("sidecar")
        if name in base or name not in BUILD_TOOLS
    ]
    return _INTRODUCTION + "".join(rows)


def locked_names(lock: str) -> Iterator[str]:
    """The packages of a lock, but those that no platform of ours needs."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    yield from re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)


def licence_of(name: str) -> str:
    """What a package's metadata call its licence."""
    if name in READ_BY_HAND:
        return READ_BY_HAND[name]
    metadata = distribution(name).metadata
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier", [])
        if each.startswith("License :: OSI Approved :: ")
    ]
    named = [text for key in ("License-Expression", "License") for text in metadata.get_all(key, []) if text]
    told = str([*named, *classifiers, ""][0])
    return SPELLINGS.get(told, told)


if __name__ == "__main__":
    main()

"""Rule groups as a ruler keeps them, read from YAML: two that mean the same are equal."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import yaml
from msgspec import Struct

from sloctl.duration import format_duration, parse_duration
from sloctl.problems import escape_unprintable

# Of each namespace the groups, by name.
Namespaces: TypeAlias = Mapping[str, Mapping[str, "StoredGroup"]]
_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnreadableGroups(Exception):
    """An answer that holds no rule groups; the message says why."""


class StoredGroup(Struct, frozen=True):
    """A group in one spelling: durations as we write them, what is empty left out."""

    name: str
    fields: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The group as YAML, for people and for the ruler."""
        return yaml.safe_dump(dict(self.fields), sort_keys=False, allow_unicode=True, width=160)


def read_groups(text: str | bytes) -> dict[str, StoredGroup]:
    """Read a rule file; raise UnreadableGroups."""
    return _read_list(_load(text).get("groups"))


def read_namespaces(text: str | bytes) -> dict[str, dict[str, StoredGroup]]:
    """Read what a ruler answers of a tenant: lists of groups by namespace; raise UnreadableGroups."""
    return {str(name): _read_list(groups) for name, groups in _load(text).items()}


def _load(text: str | bytes) -> dict[Any, Any]:
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as wrong:
        raise UnreadableGroups(f"answered no YAML ({type(wrong).__name__})") from None
    if not isinstance(document, dict):
        raise UnreadableGroups("answered YAML that holds no rule groups")
    return document


def _read_list(groups: object) -> dict[str, StoredGroup]:
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise UnreadableGroups("answered YAML that holds no rule groups")
    read = (_read_group(group) for group in groups)
    return {group.name: group for group in read}


def _read_group(group: Mapping[str, Any]) -> StoredGroup:
    rules = [_without_nothing(rule, "for") for rule in group.get("rules") or [] if isinstance(rule, dict)]
    fields = {**_without_nothing(group, "interval"), "rules": rules}
    return StoredGroup(escape_unprintable(str(group.get("name", ""))), fields)


def _without_nothing(fields: Mapping[str, Any], duration: str) -> dict[str, Any]:
    """Leave out what is empty, and write the *duration* field as we do, where it can be read."""
    kept = {name: value for name, value in fields.items() if value not in (None, "", 0, [], {}, "0s")}
    # What is no duration is compared as it stands.
    with suppress(KeyError, ValueError):
        kept[duration] = format_duration(int(parse_duration(str(kept[duration]))))
    return kept

"""The hints about keys by their old names: each leads to a key that is there, where the old one is not."""

from collections.abc import Iterator

import pytest
from msgspec import inspect

from sloctl.sidecar.config.fields import Configuration
from sloctl.spec.fields import Document
from sloctl.spec.structure_errors import RENAMED_KEYS


def mappings(kind: inspect.Type) -> Iterator[set[str]]:
    """The keys of every mapping of a type, at any depth."""
    match kind:
        case inspect.StructType(fields=fields):
            yield {field.encode_name for field in fields}
            for field in fields:
                yield from mappings(field.type)
        case inspect.Metadata(type=inner):
            yield from mappings(inner)
        case inspect.UnionType(types=types):
            for one in types:
                yield from mappings(one)
        case inspect.ListType(item_type=inner) | inspect.DictType(value_type=inner):
            yield from mappings(inner)


@pytest.mark.parametrize(("old", "new"), RENAMED_KEYS.items())
def test_a_renamed_key_is_known_where_the_old_one_is_not(old: str, new: str) -> None:
    keys = [*mappings(inspect.type_info(Document)), *mappings(inspect.type_info(Configuration))]

    renamed = [of_mapping for of_mapping in keys if new in of_mapping]

    assert renamed != []
    assert [of_mapping for of_mapping in renamed if old in of_mapping] == []

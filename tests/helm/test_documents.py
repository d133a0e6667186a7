"""What is made of something else is made of it as it stands now."""

import yaml

from tests.helm.chart import CHART
from tests.helm.documents import described, readme, schema


def test_the_readme_is_made_of_the_values_as_they_are() -> None:
    assert (CHART / "README.md").read_text() == readme()


def test_the_schema_knows_the_configuration_as_its_types_are() -> None:
    assert (CHART / "values.schema.json").read_text() == schema()


def test_every_value_is_described() -> None:
    text = (CHART / "values.yaml").read_text()

    keys = {each.key for each in described(text)}

    assert [leaf for leaf in leaves(yaml.safe_load(text)) if not known(leaf, keys)] == []


def known(leaf: str, keys: set[str]) -> bool:
    """By itself, or with the map that it is a default of."""
    return any(leaf == key or leaf.startswith(f"{key}.") for key in keys)


def leaves(values: object, path: str = "") -> list[str]:
    if not isinstance(values, dict) or not values:
        return [path]
    return [leaf for key, value in values.items() for leaf in leaves(value, f"{path}.{key}".lstrip("."))]

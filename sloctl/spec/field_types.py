"""The types that the fields of a spec are made of: mappings with known keys, and text of a certain form.

Such text (percentages, durations, PromQL) is still text here; `values` understands it. Patterns are for
editors, nouns for messages.
"""

from typing import Annotated, ClassVar, Final

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_NAME: Final = 63
PERCENTAGE_PATTERN: Final = r"^[0-9]{1,3}(\.[0-9]{1,12})?%$"
DURATION_PATTERN: Final = "^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
# Of bounds of histograms, which may lie between milliseconds.
BOUND_PATTERN: Final = DURATION_PATTERN.removesuffix("([0-9]+ms)?$") + r"([0-9]+(\.[0-9]{1,9})?ms)?$"
NAME_PATTERN: Final = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
MAX_ALERT_NAME: Final = 128
ALERT_NAME_PATTERN: Final = "^[a-zA-Z]([-a-zA-Z0-9_:. ()/%&,+#<>=]*[-a-zA-Z0-9_:.()/%&,+#<>=])?$"
_LABEL_NAME: Final = "^[a-zA-Z_][a-zA-Z0-9_]*$"

Percentage = Annotated[
    str, Meta(extra={"noun": "a percentage like 99.95%"}, extra_json_schema={"pattern": PERCENTAGE_PATTERN})
]
Date = Annotated[
    str,
    Meta(
        extra={"noun": "a date like 2027-03-31"},
        extra_json_schema={"pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"},
    ),
]
Duration = Annotated[
    str,
    Meta(
        extra={"noun": "a duration like 30s, 30m or 30d"},
        extra_json_schema={"pattern": DURATION_PATTERN, "minLength": 1},
    ),
]
BoundDuration = Annotated[
    str,
    Meta(
        extra={"noun": "a duration like 300ms"},
        extra_json_schema={"pattern": BOUND_PATTERN, "minLength": 1},
    ),
]
Name = Annotated[str, Meta(extra_json_schema={"pattern": NAME_PATTERN, "maxLength": MAX_NAME})]
LabelName = Annotated[str, Meta(extra_json_schema={"pattern": _LABEL_NAME, "maxLength": MAX_NAME})]
AlertName = Annotated[
    str, Meta(extra_json_schema={"pattern": ALERT_NAME_PATTERN, "maxLength": MAX_ALERT_NAME})
]
IdentityLabels = Annotated[list[LabelName], Meta(min_length=1)] | UnsetType
# A mistake in such a field keeps nothing else from being checked.
INDEPENDENT_KEY: Final = "independent"
INDEPENDENT: Final = Meta(extra={INDEPENDENT_KEY: True})

Labels = Annotated[
    dict[str, str],
    INDEPENDENT,
    Meta(extra_json_schema={"propertyNames": {"pattern": _LABEL_NAME, "maxLength": MAX_NAME}}),
]
Selectors = Annotated[
    str | Annotated[list[str], Meta(min_length=1)], Meta(extra={"noun": "a selector or a list of selectors"})
]

SelectorText = Annotated[str, Meta(extra={"noun": "a selector"})]
QueryText = Annotated[str, Meta(extra={"noun": "a PromQL query"})]


class Fields(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A mapping with these keys and no others."""


class Choice(Fields, frozen=True):
    """A mapping that has exactly one of some fields; without any, the *usual* one is what is missing."""

    exactly_one: ClassVar[tuple[str, ...]]
    usual: ClassVar[str] = ""

    def __post_init__(self) -> None:
        if sum(getattr(self, name) is not UNSET for name in self.exactly_one) != 1:
            raise ValueError(f"exactly one of {', '.join(self.exactly_one)}")

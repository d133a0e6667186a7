"""Sloth's fields as types, each once and spelled both ways: `page_alert` and `pageAlert`."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from sloctl.spec.field_types import INDEPENDENT, Choice

# A field for msgspec: its name, its type, and its default where it has one.
_Field: TypeAlias = tuple[str, Any] | tuple[str, Any, Any]

# To Go a scalar of any kind is text where text is wanted.
_Text = Annotated[str | int | float | bool, Meta(extra={"noun": "text"})]
_Texts = Annotated[dict[str, _Text], INDEPENDENT]
_Number = Annotated[int | float, Meta(extra={"noun": "a number"})]
# Helm puts a value in quotes as soon as a template makes it.
_Flag = Annotated[bool | str, Meta(extra={"noun": "true or false"})]
_Query = Annotated[str, Meta(extra={"noun": "a PromQL query"})]
_Duration = Annotated[str, Meta(extra={"noun": "a duration like 30m"})]


class SlothTypes(Struct, frozen=True):
    """The types of Sloth's documents in one spelling of the keys."""

    file: type[Struct]
    resource: type[Struct]
    windows: type[Struct]


def define_types(rename: Literal["camel"] | None) -> SlothTypes:
    """Define the types of all documents, with keys in camel case or in snake case."""

    def define(
        name: str,
        fields: Sequence[_Field],
        *,
        bases: tuple[type[Struct], ...] = (),
        namespace: dict[str, object] | None = None,
    ) -> type[Struct]:
        return msgspec.defstruct(
            name,
            fields,
            bases=bases or None,
            namespace=namespace,
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
            rename=rename,
        )

    def optional(name: str, kind: type[Struct]) -> _Field:
        return name, kind | UnsetType, UNSET

    texts: tuple[_Field, ...] = (
        ("labels", _Texts, field(default_factory=dict)),
        ("annotations", _Texts, field(default_factory=dict)),
    )
    plugin_use = define(
        "SloPluginUse", [("id", str), ("config", Any, field(default_factory=dict)), ("priority", int, 0)]
    )
    # These two are in camel case in both formats.
    chain = define(
        "SloPlugins",
        [
            ("override_previous", bool, field(default=False, name="overridePrevious")),
            ("chain", list[plugin_use], field(default_factory=list)),  # type: ignore[valid-type] # made above
        ],
    )
    sli = define(
        "Sli",
        [
            optional("events", define("Events", [("error_query", _Query), ("total_query", _Query)])),
            optional("raw", define("Raw", [("error_ratio_query", _Query)])),
            optional(
                "plugin", define("SliPlugin", [("id", str), ("options", _Texts, field(default_factory=dict))])
            ),
        ],
        bases=(Choice,),
        namespace={"exactly_one": ("events", "raw", "plugin")},
    )
    alert = define(
        "Alert", [("disable", _Flag, False), ("pending", _Duration, field(default="0s", name="for")), *texts]
    )
    alerting = define(
        "Alerting",
        [("name", str, ""), *texts, optional("page_alert", alert), optional("ticket_alert", alert)],
    )
    objective = define(
        "Slo",
        [
            ("name", str),
            ("description", Annotated[str, INDEPENDENT], ""),
            ("objective", _Number),
            texts[0],
            ("sli", sli),
            optional("alerting", alerting),
            optional("plugins", chain),
        ],
    )
    service: list[_Field] = [
        ("service", str),
        texts[0],
        optional("slo_plugins", chain),
        ("slos", Annotated[list[objective], INDEPENDENT, Meta(min_length=1)]),  # type: ignore[valid-type]
    ]
    header: list[_Field] = [
        ("api_version", str, field(name="apiVersion")),
        ("kind", str),
        ("metadata", Any, field(default_factory=dict)),
        ("status", Any, field(default_factory=dict)),
    ]
    window = define(
        "AlertWindow",
        [
            ("error_budget_percent", _Number, field(name="errorBudgetPercent")),
            ("short_window", _Duration, field(name="shortWindow")),
            ("long_window", _Duration, field(name="longWindow")),
        ],
    )
    speeds = define("AlertSpeeds", [("quick", window), ("slow", window)])
    catalogue = define(
        "AlertWindows",
        [("slo_period", _Duration, field(name="sloPeriod")), ("page", speeds), ("ticket", speeds)],
    )
    return SlothTypes(
        file=define("SlothFile", [("version", str), *service]),
        resource=define("PrometheusServiceLevel", [*header, ("spec", define("Service", service))]),
        windows=define("WindowsCatalogue", [*header, ("spec", catalogue)]),
    )


FILE_TYPES: Final = define_types(None)
RESOURCE_TYPES: Final = define_types("camel")

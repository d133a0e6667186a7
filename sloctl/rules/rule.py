"""Rules as values, before any file format."""

from typing import TypeAlias

from msgspec import Struct

from sloctl.model import Labels, PromQL


class RecordingRule(Struct, frozen=True):
    """One recorded series; labels are added to what *expr* gives."""

    record: str
    expr: PromQL
    labels: Labels


class AlertRule(Struct, frozen=True):
    """One alert, pending for *pending* seconds before it fires; label and annotation values are templates."""

    alert: str
    expr: PromQL
    pending: int
    labels: Labels
    annotations: Labels


Rule: TypeAlias = RecordingRule | AlertRule


class RuleGroup(Struct, frozen=True):
    """Rules evaluated in order every *interval* seconds; each sees what those before it just recorded.

    An engine whose rules don't see each other's results is given *settings* of its own: the lines of YAML
    that its groups have besides.
    """

    name: str
    interval: int
    rules: tuple[Rule, ...]
    settings: tuple[str, ...] = ()

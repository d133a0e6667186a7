"""Rules as values, before any file format."""

from dataclasses import dataclass
from typing import TypeAlias

from sloctl.model import Labels, PromQL


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """One recorded series; labels are added to what *expr* gives."""

    record: str
    expr: PromQL
    labels: Labels


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One alert, pending for *pending* seconds before it fires; label and annotation values are templates."""

    alert: str
    expr: PromQL
    pending: int
    labels: Labels
    annotations: Labels


Rule: TypeAlias = RecordingRule | AlertRule


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules evaluated in order every *interval* seconds; each sees what those before it just recorded."""

    name: str
    interval: int
    rules: tuple[Rule, ...]

"""SLO plugins, which change Sloth's rules: what each of them means here, and where it can be left out."""

from collections.abc import Mapping
from typing import Final

from sloctl.problems import ProblemLevel
from sloctl.spec.dialects.sloth.objectives import NoteBook
from sloctl.spec.dialects.translation import NoteEffect
from sloctl.spec.findings import Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import Node, mapping_in

_SLI_RULES: Final = "sloth.dev/core/sli_rules/v1"
_CORRECTED: Final = "sloth.dev/contrib/denominator_corrected_rules/v1"
# By id: what there is to say; nothing where the rules have the same anyway.
_NEEDLESS: Final[Mapping[str, str]] = {
    "sloth.dev/core/validate/v1": "",
    _SLI_RULES: "",
    "sloth.dev/core/metadata_rules/v1": "",
    "sloth.dev/core/alert_rules/v1": "",
    "sloth.dev/core/debug/v1": "",
    "sloth.dev/core/noop/v1": "",
    _CORRECTED: ("every window counts events here, so that none needs its denominator corrected"),
    "sloth.dev/contrib/remove_labels/v1": (
        "rollups carry no labels of the spec here, so that a changed label breaks no window"
    ),
    "sloth.dev/contrib/rule_intervals/v1": "each group of rules has the interval that its windows need",
    "sloth.dev/contrib/validate_victoria_metrics/v1": "queries are read as PromQL, without MetricsQL's own",
}
_LEFT_OUT: Final[Mapping[str, str]] = {
    "sloth.dev/contrib/info_labels/v1": "its labels of the info series are left out: write them as labels",
    "sloth.dev/contrib/error_budget_exhausted_alert/v1": (
        "its alert is left out: write alerting.exhausted, which sloctl has itself"
    ),
}


def read_plugin_chain(chain: Node, book: NoteBook) -> None:
    """Note what became of each plugin of a chain."""
    for plugin in chain.at("chain").items:
        plugin_id = plugin.at("id")
        if needless := _NEEDLESS.get(plugin_id.text):
            book.add(plugin_id, Violation("slo-plugin", f"left out: {needless}", ProblemLevel.NOTE))
        elif plugin_id.text in _LEFT_OUT:
            message = _LEFT_OUT[plugin_id.text]
            book.add(plugin_id, Violation("slo-plugin", message, ProblemLevel.WARNING), NoteEffect.LEFT_OUT)
        elif plugin_id.text not in _NEEDLESS:
            message = (
                f"the plugin {quote_value(plugin_id.text)} is a program, and sloctl runs none: what it "
                "changes in the rules is left out"
            )
            book.add(plugin_id, Violation("slo-plugin", message, ProblemLevel.WARNING), NoteEffect.LEFT_OUT)
        elif plugin_id.text == _SLI_RULES and "disableOptimized" in mapping_in(plugin, "config").entries:
            message = "left out: the window counts events here anyway"
            book.add(plugin_id, Violation("slo-plugin", message, ProblemLevel.NOTE))


def changes_ratios(*chains: Node) -> bool:
    """Tell whether a plugin of these chains has other ratios recorded than the SLI says."""
    plugins = [plugin.at("id").text for chain in chains for plugin in chain.at("chain").items]
    return any(plugin == _CORRECTED or plugin not in {*_NEEDLESS, *_LEFT_OUT} for plugin in plugins)

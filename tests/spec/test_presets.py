"""Presets: what fills their holes, and their examples."""

from hypothesis import given
from hypothesis import strategies as st

from sloctl.model import ConditionIndicator, Indicator, LatencyIndicator, RatioIndicator
from sloctl.preset_example import ExampleResult, check_example, select_series
from sloctl.spec import read_specs
from sloctl.spec.findings import Findings
from sloctl.spec.indicators import read_indicator_node
from sloctl.spec.presets import (
    PresetDefinition,
    expand_preset,
    load_shipped_preset,
    read_preset,
    shipped_names,
)
from sloctl.spec.yaml_nodes import read_documents
from tests.spec.specs import INDICATOR, SPEC, only

OWN = """\
apiVersion: sloctl.dev/v1
kind: Preset
metadata: {name: checkout-step}
spec:
  description: A step of the checkout ended without an error.
  parameters: {step: {}, market: {default: eu}}
  indicator:
    ratio:
      error: steps_total{step="$step", market="$market", result="error"}
      total: steps_total{step="$step", market="$market"}
  example:
    with: {step: pay}
    metrics: |
      steps_total{step="pay",market="eu",result="ok"} 90
"""
USE = SPEC.replace(INDICATOR, "      indicator:\n        preset: {name: checkout-step, with: {step: pay}}\n")


def own_preset(text: str = OWN) -> PresetDefinition:
    [document], _ = read_documents("own.yaml", text.encode())
    preset = read_preset(document, Findings())
    assert preset is not None
    return preset


def use(preset: str) -> str:
    return SPEC.replace(INDICATOR, f"      indicator:\n        preset: {preset}\n")


def test_every_shipped_preset_matches_its_example() -> None:
    results = [check_example(load_shipped_preset(name)) for name in shipped_names()]

    assert [result for result in results if result.failures] == []
    assert len(results) > 50


def test_a_selector_that_matches_nothing_fails_the_example() -> None:
    assert check_example(own_preset()) == ExampleResult(
        "checkout-step",
        ('nothing in the example\'s metrics is steps_total{step="pay", market="eu", result="error"}',),
    )


def test_a_preset_of_another_file_may_be_named() -> None:
    specs = read_specs([("z-own.yaml", OWN.encode()), ("shop.yaml", USE.encode())])

    [slo] = specs.slos
    assert specs.problems == ()
    assert isinstance(slo.indicator, RatioIndicator)
    assert [matcher.value for matcher in slo.indicator.total[0].matchers] == ["pay", "eu"]


def test_a_duration_stands_in_promql_as_seconds() -> None:
    condition = only(use("{name: kafka-consumer-delay, with: {group: till, delay: 1m30s}}")).indicator

    assert isinstance(condition, ConditionIndicator)
    assert condition.good.endswith("< bool (90)")


def test_a_duration_stands_in_a_threshold_as_it_is() -> None:
    latency = only(
        use("{name: envoy-latency, with: {job: envoy, cluster: shop, threshold: 250ms}}")
    ).indicator

    assert isinstance(latency, LatencyIndicator)
    assert latency.bound == 250


@given(st.sampled_from(shipped_names()), st.text(min_size=1, max_size=20))
def test_a_text_never_becomes_promql(name: str, hostile: str) -> None:
    preset = load_shipped_preset(name)
    plain = {
        it: {"text": "a", "duration": "1m", "number": "5"}[p.type] for it, p in preset.parameters.items()
    }
    texts = {it: hostile for it, p in preset.parameters.items() if p.type == "text"}

    filled = read_filled(preset, {**plain, **texts})

    # Where a character stands in no PromQL, there is a problem and no indicator.
    assert filled is None or metrics(filled) == metrics(read_filled(preset, plain))


def read_filled(preset: PresetDefinition, values: dict[str, str]) -> Indicator | None:
    findings = Findings()
    expanded = expand_preset(preset, values, preset.indicator, findings)
    indicator = None if expanded is None else read_indicator_node(expanded, findings)
    assert (indicator is None) == bool(findings.problems)
    return indicator


def metrics(indicator: Indicator | None) -> list[str]:
    assert indicator is not None
    return [selector.metric for selector in select_series(indicator)]


def test_a_threshold_may_be_a_bound_between_milliseconds() -> None:
    latency = only(use("{name: micrometer-latency, with: {job: shop, threshold: 268.435456ms}}")).indicator

    assert isinstance(latency, LatencyIndicator)
    assert float(latency.threshold) == 0.268435456

"""Sixty mistakes that people make, each as what they typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SPEC: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
    - name: availability
      objective: 99.9%
      window: 30d
      indicator:
        ratio:
          error: http_requests_total{job="shop", code=~"5.."}
          total: http_requests_total{job="shop"}
"""
_RATIO: Final = SPEC[SPEC.index("        ratio:") :]
_ERROR: Final = 'error: http_requests_total{job="shop", code=~"5.."}'
_TOTAL: Final = 'total: http_requests_total{job="shop"}'
_VALIDATE: Final = ("validate", "shop.yaml", "-o", "concise")


@dataclass(frozen=True, slots=True)
class Mistake:
    """*spec* is what stands in shop.yaml, *command* what is typed after `sloctl`."""

    title: str
    spec: str
    command: Sequence[str] = _VALIDATE
    encoding: str = "utf-8"


def _written(title: str, old: str, new: str) -> Mistake:
    assert old in SPEC, title
    return Mistake(title, SPEC.replace(old, new, 1))


def _indicator(title: str, indicator: str) -> Mistake:
    return Mistake(title, SPEC.replace(_RATIO, f"        {indicator}\n"))


def _typed(title: str, *command: str) -> Mistake:
    return Mistake(title, SPEC, command)


MISTAKES: Final = (
    # YAML
    _written("a tab for indentation", "      objective", "\tobjective"),
    _written("a key indented one space too far", "      objective", "       objective"),
    _written("a key indented one space too little", "      objective", "     objective"),
    _written("no space after a colon", "window: 30d", "window:30d"),
    _written("a brace that is never closed", "{name: shop}", "{name: shop"),
    _written("a quote that is never closed", "name: availability", 'name: "availability'),
    _written("the same key twice", "      window: 30d", "      objective: 99%\n      window: 30d"),
    _written("a list where one value belongs", "objective: 99.9%", "objective: [99.9%]"),
    _written("a mapping where a list belongs", "    - name: availability", "      name: availability"),
    _written("a matcher without quotes around it all", _ERROR, 'error: {job="shop", code=~"5.."}'),
    _written("an anchor and an alias", "window: 30d", "window: &month 30d\n      description: *month"),
    Mistake("an empty file", ""),
    Mistake("a file of another encoding", SPEC.replace("shop", "café", 1), encoding="latin-1"),
    Mistake("Markdown around the spec", f"```yaml\n{SPEC}```\n"),
    # The document
    _written("a misspelt kind", "ServiceLevelObjectives", "ServiceLevelObjective"),
    _written("a version that there is not", "sloctl.dev/v1", "sloctl.dev/v2"),
    _written("no apiVersion", "apiVersion: sloctl.dev/v1\n", ""),
    _written("a service name with an underscore", "{name: shop}", "{name: my_shop}"),
    _written("a misspelt key", "objective:", "objectve:"),
    _written("a key of another tool", "window: 30d", "timeWindow: 30d"),
    _written("no objective", "      objective: 99.9%\n", ""),
    _written("an SLO without a name", "- name: availability\n      objective", "- objective"),
    Mistake("two SLOs of one name", SPEC + SPEC[SPEC.index("    - name") :]),
    # Units
    _written("an objective without a unit", "99.9%", "99.9"),
    _written("an objective of 100 %", "99.9%", "100%"),
    _written("an objective of 0.999 %", "99.9%", "0.999%"),
    _written("an objective with a comma", "99.9%", "99,9%"),
    _written("a window without a unit", "30d", "30"),
    _written("a window in words", "30d", "30 days"),
    _written("a window of a month", "30d", "1M"),
    _written("a window of hours", "30d", "12h"),
    _written("a scrape interval without a unit", "spec:\n", "spec:\n  scrapeInterval: 15\n"),
    _written("a number for a label", "{name: shop}", "{name: shop, labels: {tier: 1}}"),
    _written("a reserved label", "{name: shop}", "{name: shop, labels: {slo_id: x}}"),
    _written("a label name with a dash", "{name: shop}", "{name: shop, labels: {my-team: x}}"),
    # Indicators
    _written("error equal to total", _ERROR, 'error: http_requests_total{job="shop"}'),
    _written("rate() in a ratio", _TOTAL, 'total: rate(http_requests_total{job="shop"}[5m])'),
    _written("sum() in a ratio", _TOTAL, 'total: sum(http_requests_total{job="shop"})'),
    _written("a range in a ratio", _TOTAL, 'total: http_requests_total{job="shop"}[5m]'),
    _written("a brace missing in a selector", _TOTAL, 'total: http_requests_total{job="shop"'),
    _written("one = for a regular expression", 'code=~"5.."', 'code="5.."'),
    _written("an invalid regular expression", "5..", "5(.."),
    _written("error and good together", "          total", "          good: x_total\n          total"),
    _written("no total", f"          {_TOTAL}\n", ""),
    _written("error and total without one label in common", 'job="shop"}', 'job="pay"}'),
    _indicator("a gauge as a counter", "ratio: {error: requests_in_flight, total: http_requests_total}"),
    _indicator("latency without a threshold", "latency: {histogram: request_duration_seconds}"),
    _indicator(
        "a threshold without a unit", "latency: {histogram: request_duration_seconds, threshold: 0.3}"
    ),
    _indicator(
        "a histogram by its bucket", "latency: {histogram: request_duration_seconds_bucket, threshold: 300ms}"
    ),
    _indicator("a condition that compares nothing", "condition: {good: up, whenAbsent: bad}"),
    _indicator("a query without $window", "query: {error: 'sum(increase(e[5m]))', total: 'sum(t)'}"),
    _indicator("a preset that there is not", "preset: {name: envoy-htp, with: {}}"),
    # The command line
    _typed("a misspelt command", "valdate", "shop.yaml"),
    _typed("a misspelt option", "validate", "shop.yaml", "--promtheus", "http://127.0.0.1:9090"),
    _typed("a file that is not there", "validate", "shop.yml"),
    _typed("a past without a unit", "backtest", "shop.yaml", "--from", "30"),
    _typed("a misspelt SLO", "explain", "shop.yaml", "--slo", "shop/availabilty"),
    _typed("a server that does not listen", "status", "--prometheus", "http://127.0.0.1:9"),
    _typed("a URL without a scheme", "status", "--prometheus", "127.0.0.1:9090"),
    _typed("a password in a URL", "status", "--prometheus", "http://me:secret@127.0.0.1:9"),
    _typed("an outage that is no shape", "simulate", "shop.yaml", "--outage", "half"),
    _typed("a compile without a directory", "compile", "shop.yaml", "--check"),
)

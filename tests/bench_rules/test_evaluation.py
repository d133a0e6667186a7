"""Rules are evaluated in order and while Prometheus is up; alerts fire once they were pending long enough."""

from bench.rules.evaluation import ended, evaluations
from bench.rules.paging import firing
from bench.rules.profile import DOWN
from bench.rules.rule_file import Timed, needed, ordered, read_through_ranges, timed_rules
from sloctl.rules.rule import AlertRule

RULES = """
groups:
  - name: reader
    interval: 5m
    rules:
      - {record: "a:ratio", expr: 'sum_over_time(a:count{slo="x:y"}[1h])'}
      - {record: "a:other", expr: "vector(1)"}
  - name: writer
    rules:
      - {record: "a:count", expr: "sum(increase(raw_total[1m]))"}
      - {alert: Burning, expr: "a:ratio > 1", for: 2m}
"""


def read() -> list[Timed]:
    return timed_rules(RULES, [400, 7])


def test_a_rule_comes_after_what_it_reads() -> None:
    names = [rule.name for rule in ordered(read())]

    assert names.index("a:count") < names.index("a:ratio") < names.index("Burning")


def test_a_group_has_its_own_interval_or_a_minute() -> None:
    assert [(rule.every, rule.phase) for rule in read()] == [(300, 100), (300, 100), (60, 7), (60, 7)]


def test_what_is_summed_over_time_is_known_from_the_text() -> None:
    assert read_through_ranges(read()) == {"a:count"}


def test_a_name_in_a_label_value_is_not_read() -> None:
    assert read()[0].reads == {"a:count"}


def test_an_alert_needs_its_whole_ancestry_and_nothing_else() -> None:
    rules = read()

    assert [rule.name for rule in needed(rules, rules[-1:])] == ["Burning", "a:ratio", "a:count"]


def test_nothing_is_evaluated_while_prometheus_is_down() -> None:
    rule = Timed(AlertRule("Burning", "up", 0, {}, {}), 60, 0)

    parts = list(evaluations(rule, [(DOWN[0] - 120, DOWN[1] + 60)]))

    assert [list(part) for part in parts] == [[DOWN[0] - 120, DOWN[0] - 60], [DOWN[1], DOWN[1] + 60]]


def test_a_series_that_is_no_longer_returned_ends() -> None:
    points = ended([(0, "1"), (60, "2"), (180, "3")], 60, [0, 60, 120, 180])

    assert points == [(0, "1"), (60, "2"), (120, "stale"), (180, "3")]


def test_an_alert_fires_after_its_pending_time_without_a_break() -> None:
    alert = Timed(AlertRule("Burning", "up", 120, {}, {}), 60, 0)

    assert firing(alert, [0, 60, 180, 240, 300, 360]) == [300, 360]

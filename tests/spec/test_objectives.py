"""Several objectives of one indicator are the SLOs that one would have written out."""

from typing import Final

from sloctl.spec import read_specs
from tests.spec.specs import HEADER, INDICATOR, problems, specs

SEVERAL: Final = f"""\
{HEADER}\
spec:
  slos:
    - name: availability
      labels: {{audience: us, tier: "1"}}
      groupBy: [zone]
      alerting: {{minErrors: 5}}
      objectives:
        - name: contract
          objective: 99.9%
          window: {{calendar: month}}
          labels: {{audience: customers}}
        - name: internal
          objective: 99.95%
          alerting: {{page: {{disabled: true}}}}
{INDICATOR}"""
WRITTEN_OUT: Final = f"""\
{HEADER}\
spec:
  slos:
    - name: availability-contract
      objective: 99.9%
      window: {{calendar: month}}
      labels: {{audience: customers, tier: "1"}}
      groupBy: [zone]
      alerting: {{minErrors: 5}}
{INDICATOR}\
    - name: availability-internal
      objective: 99.95%
      labels: {{audience: us, tier: "1"}}
      groupBy: [zone]
      alerting: {{minErrors: 5, page: {{disabled: true}}}}
{INDICATOR}"""


def test_several_objectives_are_the_slos_written_out() -> None:
    several = specs(SEVERAL)

    assert several.problems == ()
    assert several.slos == specs(WRITTEN_OUT).slos


def test_the_order_of_objectives_changes_nothing() -> None:
    first, second = SEVERAL.index("        - name: contract"), SEVERAL.index("        - name: internal")
    end = SEVERAL.index("      indicator")
    turned = SEVERAL[:first] + SEVERAL[second:end] + SEVERAL[first:second] + SEVERAL[end:]

    assert specs(turned).slos == specs(SEVERAL).slos


def test_a_mistake_in_what_objectives_share_is_told_once() -> None:
    mistaken = SEVERAL.replace("5..", "5..(")

    assert len(problems(mistaken)) == 1


def test_an_objective_and_another_entry_share_no_name() -> None:
    other = f"    - name: availability-contract\n      objective: 99%\n{INDICATOR}"

    found = read_specs([("shop.yaml", f"{SEVERAL}{other}".encode())])

    assert [(str(it.place), it.code) for it in found.problems] == [("shop.yaml:23:13", "duplicate-slo")]

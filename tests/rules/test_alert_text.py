"""What the engineer on call reads, rendered by the real rule engine."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path

from msgspec.structs import replace

from sloctl import compiler
from sloctl.duration import HOUR, MINUTE
from sloctl.model import AlertText, BurnAlert, Severity, Slo
from sloctl.naming import NATIVE
from sloctl.promql import string
from tests.real import promtool
from tests.rules.promtool import SCRAPE
from tests.rules.specimens import ALERTING, shop


def rendered(
    directory: Path, slo: Slo, series: dict[str, str], *, alert: str, at: str, expected: list[object]
) -> str:
    """ "SUCCESS", or what promtool found instead of the expected alerts."""
    (directory / "rules.yaml").write_text(compiler.rules([slo], NATIVE))
    case = directory / "tests.yaml"
    test = {
        "interval": SCRAPE,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": expected}],
    }
    case.write_text(json.dumps({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run(
        [promtool(), "test", "rules", str(case)], capture_output=True, text=True, check=False
    )
    return "SUCCESS" if done.returncode == 0 else f"{done.stdout}{done.stderr}"


# A page far below what the budget sustains, so that there is budget left to speak of.
SOONER = BurnAlert(Severity.PAGE, share=Fraction(1, 10_000), long=HOUR, short=5 * MINUTE)
IDENTITY = {"slo_id": "shop/checkout", "slo_service": "shop", "slo_name": "checkout"}


def test_a_page_says_what_burns_how_fast_and_how_long_the_budget_lasts(tmp_path: Path) -> None:
    slo = shop(
        labels={"team": "{{ shop }}"},
        annotations={"runbook_url": "https://runbooks.example.com/shop?uri={{ $labels.uri }}"},
        group_by=("uri",),
        alerting=replace(
            ALERTING, ticket=None, page=AlertText(labels={"severity": "critical"}, annotations={})
        ),
    )
    uri = string('/cards"\\{id}')
    series = {
        f'requests_total{{job="shop", i="1", code="200", uri={uri}}}': "24+24x480",
        f'requests_total{{job="shop", i="1", code="500", uri={uri}}}': "6+6x480",
    }

    told = rendered(
        tmp_path,
        slo,
        series,
        alert="SLOErrorBudgetBurn",
        at="2h",
        expected=[
            {
                "exp_labels": {
                    **IDENTITY,
                    "severity": "critical",
                    "slo_severity": "page",
                    "team": "{{ shop }}",
                    "uri": '/cards"\\{id}',
                },
                "exp_annotations": {
                    "summary": 'shop/checkout (uri=/cards"\\{id}): '
                    "error budget burns 20x as fast as it may, -1900% left",
                    "description": "Orders go through. Objective: 99% over 30d.\n"
                    "Pages when both lookbacks of a line burn faster than its threshold:\n"
                    "- 1h 20x, 5m 20x; threshold 14.4x\n"
                    "- 6h 20x, 30m 20x; threshold 6x",
                    "runbook_url": 'https://runbooks.example.com/shop?uri=/cards"\\{id}',
                },
            }
        ],
    )

    assert told == "SUCCESS"


def test_a_page_before_the_budget_is_gone_says_when_it_will_be(tmp_path: Path) -> None:
    slo = shop(objective=Fraction(9, 10), alerting=replace(ALERTING, policy=(SOONER,), ticket=None))
    series = {
        'requests_total{job="shop", i="1", code="200"}': "29.4+29.4x480",
        'requests_total{job="shop", i="1", code="500"}': "0.6+0.6x480",
    }

    told = rendered(
        tmp_path,
        slo,
        series,
        alert="SLOErrorBudgetBurn",
        at="2h",
        expected=[
            {
                "exp_labels": {**IDENTITY, "severity": "page", "slo_severity": "page"},
                "exp_annotations": {
                    "summary": "shop/checkout: error budget burns 0.2x as fast as it may, 80% left, "
                    "gone in 120 days at this rate",
                    "description": "Orders go through. Objective: 90% over 30d.\n"
                    "Pages when both lookbacks of a line burn faster than its threshold:\n"
                    "- 1h 0.2x, 5m 0.2x; threshold 0.072x",
                },
            }
        ],
    )

    assert told == "SUCCESS"


def test_no_data_says_that_nobody_knows(tmp_path: Path) -> None:
    told = rendered(
        tmp_path,
        shop(),
        {"other": "1x480"},
        alert="SLONoData",
        at="30m",
        expected=[
            {
                "exp_labels": {**IDENTITY, "severity": "ticket", "slo_severity": "ticket"},
                "exp_annotations": {
                    "summary": "shop/checkout: no data for 10m, so nobody knows whether its objective is met",
                    "description": "Orders go through. Objective: 99% over 30d.\n"
                    "No series matches the indicator. "
                    "Is the target scraped, and do the selectors still match?",
                },
            }
        ],
    )

    assert told == "SUCCESS"

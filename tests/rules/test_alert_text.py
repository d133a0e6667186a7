"""What the engineer on call reads, rendered by the real rule engine."""

import json
import re
import subprocess
from fractions import Fraction
from pathlib import Path

from msgspec.structs import replace

from sloctl import compiler
from sloctl.duration import HOUR, MINUTE
from sloctl.model import (
    AlertMetadata,
    CompositeIndicator,
    CompositeRule,
    JourneyPart,
    PolicyRow,
    Severity,
    Slo,
    SloName,
)
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import quote_string
from tests.real import promtool
from tests.rules.promtool import SCRAPE, full_window, group_order
from tests.rules.specimens import ALERTING, shop

_URI = re.compile(r'uri="(?:[^"\\]|\\.)*"')


def rendered(
    directory: Path, slo: Slo, series: dict[str, str], *, alert: str, at: str, expected: list[object]
) -> str:
    """ "SUCCESS", or what promtool found instead of the expected alerts."""
    rules = compiler.compile_rules([slo], NATIVE_STYLE)
    (directory / "rules.yaml").write_text(rules)
    case = directory / "tests.yaml"
    series = series | full_window(*{group for name in series for group in _URI.findall(name)})
    test = {
        "interval": SCRAPE,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": expected}],
    }
    case.write_text(
        json.dumps(
            {
                "rule_files": ["rules.yaml"],
                "group_eval_order": group_order(rules),
                "evaluation_interval": "1m",
                "tests": [test],
            }
        )
    )
    done = subprocess.run(
        [promtool(), "test", "rules", str(case)], capture_output=True, text=True, check=False
    )
    return "SUCCESS" if done.returncode == 0 else f"{done.stdout}{done.stderr}"


# A page far below what the budget sustains, so that there is budget left to speak of.
SOONER = PolicyRow(Severity.PAGE, budget_share=Fraction(1, 10_000), long=HOUR, short=5 * MINUTE)
IDENTITY = {"slo_id": "shop/checkout", "slo_service": "shop", "slo_name": "checkout"}


def test_a_page_says_what_burns_how_fast_and_how_long_the_budget_lasts(tmp_path: Path) -> None:
    slo = shop(
        labels={"team": "{{ shop }}"},
        annotations={"runbook_url": "https://runbooks.example.com/shop?uri={{ $labels.uri }}"},
        group_by=("uri",),
        alerting=replace(
            ALERTING, ticket=None, page=AlertMetadata(labels={"severity": "critical"}, annotations={})
        ),
    )
    uri = quote_string('/cards"\\{id}\nAll is well.')
    series = {
        f'requests_total{{job="shop", i="1", code="200", uri={uri}}}': "24+24x480",
        f'requests_total{{job="shop", i="1", code="500", uri={uri}}}': "6+6x480",
    }

    text = rendered(
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
                    "slo_alert": "burn",
                    "team": "{{ shop }}",
                    "uri": '/cards"\\{id}\nAll is well.',
                },
                "exp_annotations": {
                    "summary": 'shop/checkout (uri=/cards"\\{id}\ufffdAll is well.): '
                    "error budget burns 20x as fast as it may over 5m, overspent by 1900% "
                    "(20x over 1h)",
                    "description": "Orders go through. Objective: 99% over 30d.\n"
                    "Pages when both lookbacks of a line burn faster than its threshold:\n"
                    "- 20x over 1h and 20x over 5m, threshold 14.4x: both above\n"
                    "- 20x over 6h and 20x over 30m, threshold 6x: both above\n"
                    "Firing since 1970-01-01 00:01:00 UTC.",
                    "runbook_url": 'https://runbooks.example.com/shop?uri=/cards"\\{id}\nAll is well.',
                },
            }
        ],
    )

    assert text == "SUCCESS"


# Half an hour of nothing but errors after ten good hours; of ten per cent that may fail.
OUTAGE = {
    'requests_total{job="shop", i="1", code="200"}': "30+30x2399 72000x120",
    'requests_total{job="shop", i="1", code="500"}': "0x2399 30+30x120",
}


def test_a_page_says_for_each_burn_when_the_budget_is_gone(tmp_path: Path) -> None:
    slo = shop(objective=Fraction(9, 10), alerting=replace(ALERTING, policy=(SOONER,), ticket=None))

    text = rendered(
        tmp_path,
        slo,
        OUTAGE,
        alert="SLOErrorBudgetBurn",
        at="10h20m",
        expected=[
            {
                "exp_labels": {**IDENTITY, "severity": "page", "slo_severity": "page", "slo_alert": "burn"},
                "exp_annotations": {
                    "summary": "shop/checkout: error budget burns 10x as fast as it may over 5m, "
                    "72.12% left, gone in 2d 3h at this rate (3.37x over 1h: gone in 6d 10h)",
                    "description": "Orders go through. Objective: 90% over 30d.\n"
                    "Pages when both lookbacks of a line burn faster than its threshold:\n"
                    "- 3.37x over 1h and 10x over 5m, threshold 0.072x: both above\n"
                    "Firing since 1970-01-01 10:01:00 UTC.",
                },
            }
        ],
    )

    assert text == "SUCCESS"


def test_a_page_says_the_steadier_burn_of_the_row_that_fires(tmp_path: Path) -> None:
    later = PolicyRow(Severity.PAGE, budget_share=Fraction(1, 100), long=HOUR, short=5 * MINUTE)
    steadier = PolicyRow(Severity.PAGE, budget_share=Fraction(1, 1000), long=6 * HOUR, short=30 * MINUTE)
    slo = shop(objective=Fraction(9, 10), alerting=replace(ALERTING, policy=(later, steadier), ticket=None))

    # 5.035x over 1h lies between two printed numbers, and Prometheus 2 and 3 round it either way.
    texts = [
        rendered(
            tmp_path,
            slo,
            OUTAGE,
            alert="SLOErrorBudgetBurn",
            at="10h30m",
            expected=[
                {
                    "exp_labels": {
                        **IDENTITY,
                        "severity": "page",
                        "slo_severity": "page",
                        "slo_alert": "burn",
                    },
                    "exp_annotations": {
                        "summary": "shop/checkout: error budget burns 10x as fast as it may over 5m, "
                        "56.62% left, gone in 1d 16h at this rate (0.839x over 6h)",
                        "description": "Orders go through. Objective: 90% over 30d.\n"
                        "Pages when both lookbacks of a line burn faster than its threshold:\n"
                        f"- {hour}x over 1h and 10x over 5m, threshold 7.2x\n"
                        "- 0.839x over 6h and 10x over 30m, threshold 0.12x: both above\n"
                        "Firing since 1970-01-01 10:05:00 UTC.",
                    },
                }
            ],
        )
        for hour in ("5.03", "5.04")
    ]

    assert "SUCCESS" in texts


def test_an_outage_of_a_young_slo_is_printed_without_exponents(tmp_path: Path) -> None:
    slo = shop(objective=Fraction(9995, 10_000), alerting=replace(ALERTING, policy=(SOONER,), ticket=None))

    text = rendered(
        tmp_path,
        slo,
        {'requests_total{job="shop", i="1", code="500"}': "30+30x480"},
        alert="SLOErrorBudgetBurn",
        at="2h",
        expected=[
            {
                "exp_labels": {**IDENTITY, "severity": "page", "slo_severity": "page", "slo_alert": "burn"},
                "exp_annotations": {
                    "summary": "shop/checkout: error budget burns 2000x as fast as it may over 5m, "
                    "overspent by 1999 times the budget (2000x over 1h)",
                    "description": "Orders go through. Objective: 99.95% over 30d.\n"
                    "Pages when both lookbacks of a line burn faster than its threshold:\n"
                    "- 2000x over 1h and 2000x over 5m, threshold 0.072x: both above\n"
                    "Firing since 1970-01-01 00:01:00 UTC.",
                },
            }
        ],
    )

    assert text == "SUCCESS"


def test_no_data_says_that_nobody_knows(tmp_path: Path) -> None:
    text = rendered(
        tmp_path,
        shop(),
        {"other": "1x480"},
        alert="SLONoData",
        at="30m",
        expected=[
            {
                "exp_labels": {
                    **IDENTITY,
                    "severity": "ticket",
                    "slo_severity": "ticket",
                    "slo_alert": "no_data",
                },
                "exp_annotations": {
                    "summary": "shop/checkout: no data for 10m, so nobody knows whether its objective is met",
                    "description": "Orders go through. Objective: 99% over 30d.\n"
                    "No series matches the indicator. "
                    "Is the target up, is it scraped, and do the selectors still match?\n"
                    "No data since 1970-01-01 00:00:00 UTC.",
                },
            }
        ],
    )

    assert text == "SUCCESS"


def test_a_page_leads_to_its_group_in_the_sidecar_and_to_that_time_in_grafana(tmp_path: Path) -> None:
    slo = shop(
        annotations={
            "grafana_url": "https://grafana.example.com/?orgId=2",
            "sidecar_url": "https://slo.example.com/",
        },
        group_by=("uri",),
        alerting=replace(ALERTING, ticket=None, exhausted=None),
    )
    series = {
        'requests_total{job="shop", code="200", uri="/a b"}': "_x1440 24+24x960",
        'requests_total{job="shop", code="500", uri="/a b"}': "_x1440 6+6x960",
    }

    text = rendered(
        tmp_path,
        slo,
        series,
        alert="SLOErrorBudgetBurn",
        at="8h",
        expected=[
            {
                "exp_labels": {
                    **IDENTITY,
                    "severity": "page",
                    "slo_severity": "page",
                    "slo_alert": "burn",
                    "uri": "/a b",
                },
                "exp_annotations": {
                    "summary": "shop/checkout (uri=/a b): error budget burns 20x as fast as it may over 5m, "
                    "overspent by 1900% (20x over 1h)",
                    "description": "Orders go through. Objective: 99% over 30d.\n"
                    "Pages when both lookbacks of a line burn faster than its threshold:\n"
                    "- 20x over 1h and 20x over 5m, threshold 14.4x: both above\n"
                    "- 20x over 6h and 20x over 30m, threshold 6x: both above\n"
                    "Firing since 1970-01-01 06:01:00 UTC.",
                    # 00:01, six hours before.
                    "grafana_url": "https://grafana.example.com/d/sloctl-shop?orgId=2&from=60000&to=now",
                    "sidecar_url": "https://slo.example.com/slo/shop/checkout?uri=%2Fa+b&range=6h",
                },
            }
        ],
    )

    assert text == "SUCCESS"


def test_the_alerts_of_a_journey_name_the_part_at_fault_and_the_silent_one(tmp_path: Path) -> None:
    names = ("browse", "pay")
    parts = tuple(JourneyPart(name, SloName("shop", name), shop().indicator) for name in names)
    slo = shop(indicator=CompositeIndicator(CompositeRule.WORST, parts))
    counted = 'slo:sli_{}:increase1m{{slo_id="shop/{}"}}'
    series = {
        counted.format("total", "browse"): "100x800",
        counted.format("error", "browse"): "1x800",
        counted.format("total", "pay"): "10x480 _x400",
        counted.format("error", "pay"): "4x480 _x400",
    }

    texts = [
        rendered(tmp_path, slo, series, alert=alert, at=at, expected=[])
        for alert, at in (("SLOErrorBudgetBurn", "1h"), ("SLONoData", "2h30m"))
    ]

    assert "; part at fault: pay" in texts[0]
    assert "At fault over 5m: pay, 40% bad." in texts[0]
    assert "Parts without data: pay." in texts[1]

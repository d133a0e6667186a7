"""What an alert says to whoever it wakes."""

from dataclasses import replace

from msgspec.structs import replace as changed

from sloctl.duration import HOUR, MINUTE
from sloctl.model import AlertMetadata, Labels
from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.engine.contributors import Contributor
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.notify.active_alerts import ActiveAlerts
from sloctl.sidecar.notify.annotations import alert_annotations
from tests.sidecar.notify.snapshots import T0, grouped, outage, stale
from tests.sidecar.specimens import slo

SHOP = slo()


def annotations_of(
    snapshot: Snapshot, alertname: str = "SLOErrorBudgetBurn", severity: str = "page", now: float = T0
) -> Labels:
    """The annotations of the one alert of that name."""
    alerts = ActiveAlerts(NATIVE_STYLE, {}, ended_retention=240)
    alerts.update(snapshot, now)
    (alert,) = [
        it for it in alerts if (it.labels["alertname"], it.labels["slo_severity"]) == (alertname, severity)
    ]
    return alert_annotations(alert, NATIVE_STYLE)


def test_an_outage_of_a_young_slo_is_written_without_exponents() -> None:
    page = annotations_of(grouped(T0, SHOP, {(): 1.0}))

    assert page["summary"] == (
        "shop/availability: error budget burns 1000x as fast as it may over 5m, "
        "overspent by 999 times the budget (1000x over 1h)"
    )


def test_a_page_says_how_fast_against_which_threshold_and_since_when() -> None:
    page = annotations_of(grouped(T0, SHOP, {(): 0.02}, calm_before=9_900_000))

    assert page["summary"] == (
        "shop/availability: error budget burns 20x as fast as it may over 5m, 80% left, "
        "gone in 1d 4h at this rate (20x over 1h: gone in 1d 4h)"
    )
    assert page["description"].splitlines() == [
        "Requests answered. Objective: 99.9% over 30d.",
        "Pages when both lookbacks of a line burn faster than its threshold:",
        "- 20x over 1h and 20x over 5m, threshold 14.4x: both above",
        "- 20x over 6h and 20x over 30m, threshold 6x: both above",
        "Firing since 2023-11-14 22:13:20 UTC.",
        "2 % of events fail: 2,000 of 100,000 over 5m (data of 5s).",
    ]


def test_it_says_what_burns() -> None:
    snapshot = outage(T0, SHOP)
    burning = (
        Contributor("pod", "shop-7", 5 * MINUTE, errors=97, share_of_errors=0.97, share_of_traffic=0.1),
        Contributor("uri", "/a\nb", HOUR, errors=50, share_of_errors=0.5, share_of_traffic=0.25),
    )

    page = annotations_of(
        replace(snapshot, states=tuple(replace(it, contributors=burning) for it in snapshot.states))
    )

    assert page["description"].splitlines()[-3:] == [
        "What burns:",
        "- pod=shop-7: 97% of errors, 10% of traffic over 5m",
        "- uri=/a\ufffdb: 50% of errors, 25% of traffic over 1h",
    ]


def test_it_names_three_values_each_once() -> None:
    snapshot = outage(T0, SHOP)
    burning = tuple(
        Contributor("pod", pod, lookback, errors=9, share_of_errors=0.2, share_of_traffic=0.1)
        for lookback in (5 * MINUTE, HOUR)
        for pod in ("a", "b", "c", "d")
    )

    page = annotations_of(
        replace(snapshot, states=tuple(replace(it, contributors=burning) for it in snapshot.states))
    )

    assert [line.partition(":")[0] for line in page["description"].splitlines()[-4:]] == [
        "What burns",
        "- pod=a",
        "- pod=b",
        "- pod=c",
    ]


def test_a_stale_page_says_that_it_may_be_over() -> None:
    page = annotations_of(stale(outage(T0, SHOP)), now=T0 + 5 * MINUTE)

    assert page["description"].splitlines()[-1] == (
        "No data since 2023-11-14 22:13:20 UTC: it may be over, nobody knows."
    )


def test_no_data_say_when_the_last_came() -> None:
    annotations = annotations_of(stale(outage(T0, SHOP)), "SLONoData", "ticket", now=T0 + HOUR)

    assert annotations["summary"] == (
        "shop/availability: no data for 10m, so nobody knows whether its objective is met"
    )
    assert annotations["description"].splitlines()[-1] == "No data since 2023-11-14 22:13:20 UTC."


def test_the_specs_annotations_come_on_top_and_only_their_own_templates_count() -> None:
    text = AlertMetadata(
        labels={},
        annotations={"summary": "{{ $labels.route }} burns {{ printf `x` }}", "value": "{{ $value }}"},
    )
    by_route = slo(group_by=("route",))
    of_shop = changed(
        by_route,
        annotations={"runbook_url": "https://runbooks.example.com/shop"},
        alerting=changed(by_route.alerting, page=text),
    )

    page = annotations_of(grouped(T0, of_shop, {("/{{ $value }}",): 1.0}))

    assert page["summary"] == "/{{ $value }} burns {{ printf `x` }}"
    assert page["value"] == "1"
    assert page["runbook_url"] == "https://runbooks.example.com/shop"


def test_a_long_label_value_is_cut() -> None:
    by_route = slo(group_by=("route",))

    page = annotations_of(grouped(T0, by_route, {("x" * 500,): 1.0}))

    assert page["summary"].startswith(f"shop/availability (route={'x' * 120}…): error budget burns")

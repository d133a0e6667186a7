"""One stream of raw counters, counted twice: by Prometheus running the compiled rules, and by Python.

Whatever Prometheus records (rollups, repairs, windows, burn rates, the budget) and every alert that fires
must be the same number at the same second, to the precision of the sidecar's history.
"""

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sloctl.duration import HOUR, MINUTE
from sloctl.model import RollingWindow
from tests.differential.drawn import HORIZON, INTERVALS, targets
from tests.differential.kinds import KINDS, NATIVE_LATENCY, RATIO, alerting
from tests.differential.running import disagreeing
from tests.differential.streams import Child, Target
from tests.real import MISSING, promtool_version

# The same streams in every run; `make test-full` draws many more, and others each time.
FEW = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),  # shrinking takes minutes
    suppress_health_check=list(HealthCheck),
)
REPAIRED = [name for name, kind in KINDS.items() if kind.grown is not None]
MANY = settings(FEW, max_examples=100, derandomize=False, phases=(Phase.generate, Phase.shrink))


@FEW
@given(stream=st.data())
@pytest.mark.parametrize("name", KINDS)
def test_prometheus_and_python_agree_on(name: str, stream: st.DataObject) -> None:
    _agree(name, stream)


@settings(FEW, max_examples=2)
@given(stream=st.data())
@pytest.mark.parametrize("name", REPAIRED)
def test_prometheus_and_python_agree_on_nine_hours_and_their_repairs_of(
    name: str, stream: st.DataObject
) -> None:
    _agree(name, stream, horizon=9 * HOUR, read_every=HOUR // 4 - 3 * MINUTE)


@pytest.mark.full
@MANY
@given(stream=st.data())
@pytest.mark.parametrize("name", KINDS)
def test_prometheus_and_python_agree_on_a_hundred_streams_of(name: str, stream: st.DataObject) -> None:
    _agree(name, stream)


def test_a_window_that_is_full_forgets_what_is_older(tmp_path: Path) -> None:
    """Six hours, up to which the sidecar's own sums are exact at a whole minute."""
    outage_then_recovery = Child("/pay", ok=(9,), bad=(3,) * 300 + (0,) * 1700, head=(5000, 40))
    slo = RATIO.slo(window=RollingWindow(6 * HOUR))

    found = disagreeing(
        tmp_path,
        RATIO,
        [Target("a", (outage_then_recovery,))],
        slo=slo,
        horizon=8 * HOUR,
        read_every=HOUR // 4,
    )

    assert found == []


def _agree(name: str, stream: st.DataObject, *, horizon: int = HORIZON, read_every: int = MINUTE) -> None:
    if name == NATIVE_LATENCY and promtool_version() < (3, 0):
        pytest.skip(
            f"{MISSING}promtool 3 (earlier ones cannot write native histograms; name one in $PROMTOOL)"
        )
    interval = stream.draw(st.sampled_from(INTERVALS))
    scraped_targets = stream.draw(targets(interval=interval, horizon=horizon))
    slo = KINDS[name].slo(
        scrape_interval=interval,
        alerting=alerting(
            min_errors=stream.draw(st.sampled_from((0, 2, 10))),
            confidence=stream.draw(st.sampled_from((None, Fraction(95, 100)))),
        ),
    )

    with TemporaryDirectory() as directory:
        found = disagreeing(
            Path(directory), KINDS[name], scraped_targets, slo=slo, horizon=horizon, read_every=read_every
        )

    assert found == []

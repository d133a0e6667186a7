"""The demo: a real service, a real sidecar, an incident, and the moment the maths says."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from sloctl import demo
from sloctl.demo import traffic
from sloctl.demo.ground_truth import GroundTruth
from sloctl.demo.traffic import IncidentSchedule, generate_requests, request_rate, traffic_mix
from sloctl.duration import DAY, HOUR, MINUTE
from tests.conftest import Figure
from tests.sidecar.specimens import slo

ROOT = Path(__file__).parents[2]


def play(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sloctl", "demo", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
    )


def lateness(told: str) -> float:
    """Ticks between the moment the maths says and the one at which the page fired."""
    found = re.search(r"page fired .*: (-?\d+\.\d) ticks after it was due", told)
    assert found, told
    return float(found[1])


def test_the_page_fires_at_the_moment_the_maths_says(figure: Figure) -> None:
    played = play("--duration", "20s")

    assert played.returncode == 0, played.stderr
    late = lateness(played.stdout)
    figure(f"the demo's page fired {late:.1f} ticks of a quarter of a second after it was due")
    # Two by the maths; the others are for a machine that is too busy to tick.
    assert -2 <= late <= 20


@pytest.mark.full
def test_the_incident_comes_pages_and_clears_within_a_minute() -> None:
    played = play("slos", "--duration", "60s")

    assert played.returncode == 0, played.stderr
    assert -2 <= lateness(played.stdout) <= 20
    assert re.search(r"page cleared \d\d:\d\d:\d\d", played.stdout)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_demo_cleanly(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sloctl", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as playing:
        assert playing.stdout
        assert playing.stderr
        while "page inactive" not in playing.stdout.readline():
            pass
        playing.send_signal(number)

        assert playing.wait(30) == 0
        assert "Traceback" not in playing.stderr.read()


def test_specs_without_the_service_it_plays_could_not_run(tmp_path: Path) -> None:
    spec = (ROOT / "slos/payments-api.yaml").read_text().replace("name: payments-api", "name: orders-api")
    (tmp_path / "orders.yaml").write_text(spec)

    played = play(str(tmp_path))

    assert played.returncode == 2
    assert played.stderr.endswith("the demo plays payments-api/availability, which the specs do not have\n")


def test_the_packaged_spec_is_the_one_in_slos() -> None:
    packaged = Path(demo.__file__).with_name("payments-api.yaml")

    assert packaged.read_bytes() == (ROOT / "slos/payments-api.yaml").read_bytes()


def test_the_shares_of_the_traffic_add_up() -> None:
    assert sum(share for _, share in traffic_mix(error_ratio=0.35)) == pytest.approx(1)


def test_a_day_of_traffic_has_the_mean_rate() -> None:
    assert sum(request_rate(at) for at in range(0, DAY, 60)) / 1440 == pytest.approx(traffic.MEAN_RATE)


def test_the_same_seed_gives_the_same_traffic() -> None:
    first, second = (
        list(generate_requests(0, 60, error_ratio=0.01, random=Random(7)))  # noqa: S311 - traffic
        for _ in range(2)
    )

    assert first == second


def test_the_script_repeats_its_incident() -> None:
    script = IncidentSchedule(first_start=1000, length=60, error_ratio=0.35, period=600)

    failing = [at for at in range(0, 2000, 10) if script.error_ratio_at(at) == 0.35]

    assert failing == [*range(1000, 1060, 10), *range(1600, 1660, 10)]


def test_the_moment_of_the_page_is_what_the_formula_says_after_clean_hours() -> None:
    """14.4 × 0.1 % of an hour at an error ratio of a half is 103.68 s."""
    truth = GroundTruth()
    for second in range(-6 * HOUR, 5 * MINUTE):
        truth.record_requests(second, errors=5 if second > 0 else 0, total=10)

    assert truth.page_due(slo(), since=0) == 104

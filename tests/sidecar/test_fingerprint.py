"""A fingerprint is what stored histories are found by: it must not change by itself."""

import pytest

from sloctl.model import ErrorRatioIndicator, Indicator, ProbeIndicator, Selector, WindowQuery
from sloctl.sidecar.engine.fingerprint import slo_fingerprint
from tests.sidecar.specimens import AVAILABILITY, LATENCY, slo


@pytest.mark.parametrize(
    ("indicator", "fingerprint"),
    [
        (AVAILABILITY, "ec2ff16c7233774b266e8c4615f8d243"),
        (LATENCY, "d28345963721e244ad19ecc1ebae2ded"),
        (ProbeIndicator(Selector("up")), "782d26cf5350341778c9ec3b19922f22"),
        (ErrorRatioIndicator(WindowQuery("failed[$window]")), "e7ffd0f7abc464dc19d0a6c6d5d79d8a"),
    ],
    ids=["ratio", "latency", "probe", "errorRatio"],
)
def test_a_release_finds_the_histories_of_the_one_before(indicator: Indicator, fingerprint: str) -> None:
    assert slo_fingerprint(slo(indicator)) == fingerprint

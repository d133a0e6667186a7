"""The time before the measurement, as blocks: what was scraped, and what the rules would have recorded."""

import shutil
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.fleet.services import JOB, FleetSlo, RawSeries
from bench.rules.remote_write import labels, push, samples, stamp
from sloctl import naming
from sloctl.duration import HOUR, MINUTE
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP
from tests.real import running_prometheus

SCRAPE: Final = 30
_CHUNK: Final = HOUR // 2


def write_raw_blocks(services: dict[str, Sequence[RawSeries]], directory: Path, times: range) -> Path:
    """Have a Prometheus of its own take in all scrapes at *times*, and return a directory of its blocks."""
    flags = ("--web.enable-remote-write-receiver", "--web.enable-admin-api")
    with running_prometheus(directory, flags=flags) as loader:
        address = loader.url.removeprefix("http://")
        for first in range(0, len(times), _CHUNK // SCRAPE):
            part = times[first : first + _CHUNK // SCRAPE]
            stamps = [stamp(at) for at in part]
            for service, series in services.items():
                target = {"job": JOB, "instance": service}
                push(
                    address,
                    [
                        (
                            labels({**one.labels, **target, "__name__": one.metric}),
                            samples([one.value(at) for at in part], stamps),
                        )
                        for one in series
                    ],
                )
        request = urllib.request.Request(f"{loader.url}/api/v1/admin/tsdb/snapshot", method="POST")
        with urllib.request.urlopen(request, timeout=600) as answer:
            name = msgspec.json.decode(answer.read())["data"]["name"]
    blocks = directory / "blocks"
    shutil.move(directory / "data" / "snapshots" / name, blocks)
    shutil.rmtree(directory / "data")
    return blocks


def _series_name(metric: str, labels_of: dict[str, str]) -> str:
    """Write a series as OpenMetrics does, which takes no space between labels."""
    pairs = ",".join(f'{label}="{value}"' for label, value in labels_of.items())
    return f"{metric}{{{pairs}}}"


def sloctl_rollups(slos: Sequence[FleetSlo], times: range) -> Iterator[tuple[str, float, float]]:
    """Events and errors a minute, and every five minutes, as sloctl's rules would have recorded them."""
    for slo in slos:
        own = {"slo_id": f"{slo.service}/{slo.name}", "slo_service": slo.service, "slo_name": slo.name}
        for step in (FINE_STEP, COARSE_STEP):
            events, errors = naming.event_count_metric(step), naming.error_count_metric(step)
            for metric, count in ((events, 55.0), (errors, 0.02)):
                series = _series_name(metric, own)
                for at in range(times.start, times.stop, step):
                    yield series, count * step, at


def sloth_ratios(slos: Sequence[FleetSlo], times: range) -> Iterator[tuple[str, float, float]]:
    """The ratio of five minutes, which Sloth averages over its period."""
    for slo in slos:
        own = {
            "sloth_id": f"{slo.service}-{slo.name}",
            "sloth_service": slo.service,
            "sloth_slo": slo.name,
            "sloth_window": "5m",
        }
        series = _series_name(naming.error_ratio_metric(5 * MINUTE), own)
        for at in range(times.start, times.stop, MINUTE):
            yield series, 0.0004, at

"""Every view of an excluded time names its reason, and shows the numbers with and without it."""

from typing import Final

import msgspec
from msgspec import structs

from sloctl.duration import HOUR
from sloctl.model import Exclusion, FixedTime
from sloctl.sidecar import messages
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.http.api.answers import convert_slo
from tests.sidecar.http_client import ask
from tests.sidecar.running_sidecar import START, run_sidecar
from tests.sidecar.specimens import slo
from tests.sidecar.test_exclusions import INCIDENT, MIDNIGHT, excluding, run

DRILL: Final = Exclusion(
    "A failover <drill>.",
    FixedTime(int(START) - HOUR, int(START) + HOUR),
    by="anna",
    link="https://example.com/drill",
)
OUTAGE: Final = ('requests_total{status="200"} 100\n', 'requests_total{status="503"} 90\n')


async def test_the_page_and_the_api_name_the_reason_while_it_lasts() -> None:
    async with run_sidecar(structs.replace(slo(), exclusions=(DRILL,))) as running:
        for exposition in (*OUTAGE, 'requests_total{status="503"} 190\n'):
            await running.tick(exposition)
        page = await ask(f"{running.url}/slo/shop/availability")
        answer = await ask(f"{running.url}/api/v1/slos/shop/availability")
        metrics = await ask(f"{running.url}/metrics")

    text = page.body.decode()
    assert page.status == 200
    assert "A failover &lt;drill&gt;. (now, until" in text
    assert "by anna" in text
    assert 'href="https://example.com/drill"' in text
    assert "while it lasts no page fires" in text
    [group] = msgspec.json.decode(answer.body)["groups"]
    [time] = group["exclusions"]["times"]
    assert (time["reason"], time["active"], time["effect"]) == ("A failover <drill>.", True, "ignore")
    assert group["budget"]["left"] is None
    assert group["exclusions"]["errorRatioWithExcluded"] == 1.0
    assert 'slo_exclusion_active{slo_id="shop/availability"' in metrics.body.decode()


def test_an_slo_without_an_exclusion_has_none_of_it() -> None:
    engine = Engine([slo()], interval=60)

    state = run(engine, MIDNIGHT, MIDNIGHT + HOUR)

    assert (state.excluded, convert_slo(state).exclusions) == (None, None)


def test_both_numbers_stand_in_one_sentence() -> None:
    engine = Engine([excluding(FixedTime(*INCIDENT))], interval=60)

    state = run(engine, MIDNIGHT, INCIDENT[1] + HOUR)

    assert state.excluded is not None
    assert messages.describe_with_excluded(state.excluded) == "with it -503.0 % left, 7.24 % of events bad"

"""The attack suite, `make attack`, for some seconds: what it takes an hour to find is found there."""

from bench.sidecar_attack import MEMORY_BYTES, attack


async def test_under_attack_a_burning_service_is_seen() -> None:
    outcomes = await attack(seconds=6, tick=1, patience=60)

    assert {each.name for each in outcomes if each.page_seconds is None} == set()
    assert [each.counted for each in outcomes] == [each.truth for each in outcomes]
    assert max(each.peak_bytes for each in outcomes) < MEMORY_BYTES

"""Addresses below those that a spec names."""

import pytest

from sloctl.duration import DAY, HOUR
from sloctl.links import join_url, page_range_parameter


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("https://slo.example.com", "https://slo.example.com/slo/shop/pay?range=6h"),
        ("https://slo.example.com/", "https://slo.example.com/slo/shop/pay?range=6h"),
        ("HTTP://example.com/sloctl/", "HTTP://example.com/sloctl/slo/shop/pay?range=6h"),
        ("https://example.com/?orgId=2", "https://example.com/slo/shop/pay?orgId=2&range=6h"),
        # Not an address to add to: as it is written.
        ("https://example.com/#slos", "https://example.com/#slos"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("https://{{ $labels.cluster }}.example.com", "https://{{ $labels.cluster }}.example.com"),
        ("", ""),
    ],
)
def test_a_path_and_parameters_are_put_below_a_web_address(base: str, address: str) -> None:
    assert join_url(base, "slo/shop/pay", "range=6h") == address


@pytest.mark.parametrize(
    ("seconds", "window", "asked"),
    [
        (HOUR, 30 * DAY, "range=1h"),
        (2 * HOUR, 30 * DAY, "range=6h"),
        (3 * DAY, 30 * DAY, "range=3d"),
        (8 * DAY, 30 * DAY, "range=30d"),
        (7 * DAY, 7 * DAY, "range=1w"),
    ],
)
def test_the_page_shows_the_shortest_range_that_has_it_all(seconds: int, window: int, asked: str) -> None:
    assert page_range_parameter(seconds, window) == asked

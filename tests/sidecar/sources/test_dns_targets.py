"""One target for each address behind a name, and a name that stops resolving."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trustme

from sloctl.prometheus.credentials import ClientOptions, TlsFiles
from sloctl.sidecar.sources import SourceUnavailable
from sloctl.sidecar.sources.scrape import targets
from sloctl.sidecar.sources.scrape.source import ScrapeOptions
from sloctl.sidecar.sources.scrape.targets import DnsDiscovery, DnsService, ScrapeTarget, resolve_host
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.http_servers import answering, authority, server_context
from tests.sidecar.sources.scraped_shop import Shop, scraping, served


class Names:
    """A resolver that answers what a test tells it to."""

    def __init__(self, *known: str) -> None:
        self.known: Sequence[str] | OSError = known
        self.resolved: list[str] = []

    async def resolve(self, name: str) -> Sequence[str]:
        self.resolved.append(name)
        if isinstance(self.known, OSError):
            raise self.known
        return self.known


GONE = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


async def started(stack: AsyncExitStack, shops: dict[str, Shop]) -> DnsService:
    """Shops at several loopback addresses with one port, and the name in front of them."""
    port = 0
    for address, shop in shops.items():
        url = await stack.enter_async_context(answering(shop.expose, host=address, port=port))
        port = int(url.rpartition(":")[2])
    return DnsService.from_url(f"http://shop.example:{port}", {"job": "shop"})


async def test_each_address_of_a_name_is_a_target_asked_for_by_the_name() -> None:
    one, other = Shop(served(100)), Shop(served(200))
    async with AsyncExitStack() as stack:
        service = await started(stack, {"127.0.0.1": one, "127.0.0.2": other})
        names = Names("127.0.0.2", "127.0.0.1", "127.0.0.1")
        shop = await stack.enter_async_context(scraping(service, resolve=names.resolve))
        await shop.tick()
        one.text, other.text = served(101), served(202)

        assert await shop.ungrouped() == EventCounts(error=0, total=3)

    port = service.url.port
    assert [state.labels for state in shop.source.target_states] == [
        {"job": "shop", "instance": f"127.0.0.1:{port}"},
        {"job": "shop", "instance": f"127.0.0.2:{port}"},
    ]
    assert set(one.hosts + other.hosts) == {f"shop.example:{port}"}
    assert names.resolved == ["shop.example"]


async def test_a_name_is_resolved_again_and_a_new_pod_has_no_baseline() -> None:
    one, other = Shop(served(100)), Shop(served(900))
    async with AsyncExitStack() as stack:
        service = await started(stack, {"127.0.0.1": one, "127.0.0.2": other})
        names = Names("127.0.0.1")
        shop = await stack.enter_async_context(scraping(service, resolve=names.resolve, resolve_seconds=10))
        await shop.tick()
        names.known = ("127.0.0.1", "127.0.0.2")
        one.text = served(101)
        before = await shop.ungrouped()
        met = await shop.ungrouped()
        other.text = served(905)
        after = await shop.ungrouped()

    assert (before, met, after) == (
        EventCounts(error=0, total=1),
        EventCounts(error=0, total=0),
        EventCounts(error=0, total=5),
    )


@pytest.mark.parametrize(
    ("known", "scraped"),
    [
        (("fd00::1", "10.0.0.2", "fd00::2", "10.0.0.1"), ["10.0.0.1", "10.0.0.2"]),
        (("fd00::1", "fd00::2", "10.0.0.1"), ["fd00::1", "fd00::2"]),
        (("fd00::1",), ["fd00::1"]),
    ],
)
async def test_behind_a_dual_stack_name_each_instance_is_one_target(
    known: tuple[str, ...], scraped: list[str]
) -> None:
    service = DnsService.from_url("http://shop:8080", {})
    discovery = DnsDiscovery(service, Names(*known).resolve, seconds=30)

    found = await discovery.current_targets(0.0)

    assert [target.url.host for target in found] == scraped


async def test_an_instance_behind_two_names_is_told() -> None:
    one = Shop(served(100))
    async with answering(one.expose) as url:
        port = url.rpartition(":")[2]
        names = [DnsService.from_url(f"http://{name}:{port}", {}) for name in ("shop", "shop.default.svc")]
        async with scraping(*names, url, resolve=Names("127.0.0.1").resolve) as shop:
            await shop.tick()
            issue = shop.source.issues()["targets"]

    assert issue == (
        f"127.0.0.1:{port} is scraped as 127.0.0.1 and as shop and as shop.default.svc: "
        "a process that is the same counts twice"
    )


@pytest.mark.parametrize("other", ["http://SHOP:80", "http://shop/metrics", "http://shop:80/metrics"])
def test_a_target_in_two_spellings_is_given_twice(other: str) -> None:
    with pytest.raises(ValueError, match="is given twice and would count twice"):
        ScrapeOptions((ScrapeTarget.from_url("http://shop", {}), ScrapeTarget.from_url(other, {})))


async def test_a_new_pod_that_says_when_it_was_created_counts_from_its_first_event() -> None:
    one, other = Shop(served(100)), Shop(content_type="application/openmetrics-text")
    async with AsyncExitStack() as stack:
        service = await started(stack, {"127.0.0.1": one, "127.0.0.2": other})
        names = Names("127.0.0.1")
        shop = await stack.enter_async_context(scraping(service, resolve=names.resolve, resolve_seconds=5))
        await shop.tick()
        names.known = ("127.0.0.1", "127.0.0.2")
        created = shop.now + 1
        other.text = (
            f'requests_total{{status="500"}} 4\nrequests_created{{status="500"}} {created}\n'
            f'requests_total{{status="200"}} 90\nrequests_created{{status="200"}} {created - 3600}\n'
            "# EOF\n"
        )

        assert await shop.ungrouped() == EventCounts(error=4, total=4)


async def test_a_pod_that_leaves_hides_none_and_one_that_comes_back_goes_on() -> None:
    one, other = Shop(served(100)), Shop(served(900))
    async with AsyncExitStack() as stack:
        service = await started(stack, {"127.0.0.1": one, "127.0.0.2": other})
        names = Names("127.0.0.1", "127.0.0.2")
        shop = await stack.enter_async_context(scraping(service, resolve=names.resolve, resolve_seconds=1))
        await shop.tick()
        names.known = ("127.0.0.1",)
        one.text, other.text = served(101), served(905)
        without = await shop.ungrouped()
        alone = len(shop.source.target_states)
        names.known = ("127.0.0.1", "127.0.0.2")
        together = await shop.ungrouped()

    assert (without, alone, together) == (EventCounts(error=0, total=1), 1, EventCounts(error=0, total=5))


async def test_when_names_are_gone_the_last_known_addresses_are_scraped_and_it_is_said() -> None:
    one = Shop(served(100))
    async with AsyncExitStack() as stack:
        service = await started(stack, {"127.0.0.1": one})
        names = Names("127.0.0.1")
        shop = await stack.enter_async_context(scraping(service, resolve=names.resolve, resolve_seconds=5))
        await shop.tick()
        names.known, one.text = GONE, served(103)
        during = await shop.ungrouped()
        issues = shop.source.issues()
        names.known, one.text = ("127.0.0.1",), served(104)
        after = await shop.ungrouped()

    assert (during, after) == (EventCounts(error=0, total=3), EventCounts(error=0, total=1))
    assert issues == {
        "discovery": "shop.example cannot be resolved: Temporary failure in name resolution; "
        "its last known 1 addresses are scraped"
    }
    assert shop.source.issues() == {}


@pytest.mark.parametrize(
    ("known", "reason"), [(GONE, "Temporary failure in name resolution"), ((), "no address")]
)
async def test_a_name_that_never_resolved_is_unreadable_and_asked_for_at_every_tick(
    known: Sequence[str] | OSError, reason: str
) -> None:
    one = Shop(served(100))
    async with AsyncExitStack() as stack:
        service = await started(stack, {"127.0.0.1": one})
        names = Names()
        names.known = known
        shop = await stack.enter_async_context(scraping(service, resolve=names.resolve, resolve_seconds=3600))
        for _ in range(2):
            with pytest.raises(SourceUnavailable, match=f"shop.example cannot be resolved: {reason}"):
                await shop.tick()
        names.known = ("127.0.0.1",)

        assert await shop.tick() == {}
        assert [state.up for state in shop.source.target_states] == [True]


async def test_a_resolver_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_: str) -> Sequence[str]:
        await asyncio.sleep(3600)
        return ()

    monkeypatch.setattr(targets, "RESOLVE_TIMEOUT", 0.05)
    async with scraping(DnsService.from_url("http://shop.example", {}), resolve=silent) as shop:
        with pytest.raises(SourceUnavailable, match=r"cannot be resolved: no answer within 0\.05 s"):
            await shop.tick()


async def test_an_address_must_prove_that_it_is_the_name(tmp_path: Path) -> None:
    ca, names, one = trustme.CA(), Names("127.0.0.1"), Shop(served(1))
    client = ClientOptions(tls=TlsFiles(ca_file=authority(tmp_path, ca)))
    async with (
        answering(one.expose, server_context(ca.issue_cert("shop.example"))) as url,
        scraping(
            DnsService.from_url(url.replace("127.0.0.1", "shop.example"), {}),
            DnsService.from_url(url.replace("127.0.0.1", "till.example"), {}),
            client=client,
            resolve=names.resolve,
        ) as shop,
    ):
        await shop.tick()

    assert [state.up for state in shop.source.target_states] == [True, False]
    assert "not valid for 'till.example'" in (shop.source.target_states[1].error or "")


async def test_the_system_knows_the_addresses_of_this_machine() -> None:
    assert "127.0.0.1" in await resolve_host("127.0.0.1")

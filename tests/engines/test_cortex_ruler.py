"""`sloctl push` to a real ruler of Cortex, whose API Mimir's is: what it takes, keeps and refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sloctl.cli.main import main
from tests.engines.fleet import engine_binary
from tests.engines.shop import SPEC
from tests.real import Server, free_port, running_program

RULES_PATH = "/api/v1/rules"
CONFIG = """\
target: all
auth_enabled: true
server:
  http_listen_address: 127.0.0.1
  http_listen_port: {http}
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: {grpc}
distributor: {{ring: {{kvstore: {{store: inmemory}}}}}}
ingester:
  lifecycler:
    address: 127.0.0.1
    min_ready_duration: 0s
    final_sleep: 0s
    ring: {{kvstore: {{store: inmemory}}, replication_factor: 1}}
blocks_storage:
  backend: filesystem
  filesystem: {{dir: '{data}/blocks'}}
  tsdb: {{dir: '{data}/tsdb'}}
  bucket_store: {{sync_dir: '{data}/sync'}}
compactor: {{data_dir: '{data}/compactor', sharding_ring: {{kvstore: {{store: inmemory}}}}}}
ruler:
  enable_api: true
  rule_path: '{data}/rules'
  ring: {{kvstore: {{store: inmemory}}}}
ruler_storage: {{backend: filesystem, filesystem: {{dir: '{data}/ruler'}}}}
alertmanager: {{data_dir: '{data}/alertmanager', external_url: 'http://127.0.0.1/alertmanager'}}
alertmanager_storage: {{backend: filesystem, filesystem: {{dir: '{data}/alerts'}}}}
limits: {{ruler_max_rules_per_rule_group: 20, ruler_max_rule_groups_per_tenant: 13}}
"""


@pytest.fixture(scope="module")
def cortex(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("cortex")
    http, grpc = free_port(), free_port()
    config = directory / "cortex.yaml"
    config.write_text(CONFIG.format(http=http, grpc=grpc, data=directory))
    command = [engine_binary("cortex"), f"-config.file={config}"]
    url = f"http://127.0.0.1:{http}"
    with running_program(command, url=url, log=directory / "cortex.log", ready="/ready") as server:
        yield server


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A folder with the shop, whose groups a tenant here takes once, not twice."""
    (tmp_path / "shop.yaml").write_text(SPEC)
    return tmp_path


def push(cortex: Server, tenant: str, *words: str) -> int:
    return main(["push", *words, "--mimir", cortex.url, "--rules-path", RULES_PATH, "--tenant", tenant])


def test_what_was_pushed_is_as_it_was_compiled(
    cortex: Server, specs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = push(cortex, "one", str(specs))

    assert code == 0, capsys.readouterr()
    capsys.readouterr()
    assert push(cortex, "one", str(specs)) == 0
    assert capsys.readouterr().err == "nothing pushed\n"


def test_a_service_that_is_gone_goes_with_prune(
    cortex: Server, specs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = SPEC[: SPEC.index("    - name: latency")]
    for service in ("shop", "till"):
        (specs / f"{service}.yaml").write_text(small.replace("name: shop", f"name: {service}"))
    assert push(cortex, "two", str(specs)) == 0
    (specs / "till.yaml").unlink()
    assert push(cortex, "two", str(specs)) == 0
    capsys.readouterr()

    assert push(cortex, "two", str(specs), "--prune") == 0

    told = capsys.readouterr().out
    assert told != ""
    assert all(line.startswith("delete sloctl.till slo:till/") for line in told.splitlines())


def test_a_group_too_many_is_refused_in_the_rulers_words(
    cortex: Server, specs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = yaml.safe_load(SPEC)
    (specs / "till.yaml").write_text(yaml.safe_dump({**other, "metadata": {"name": "till"}}))

    code = push(cortex, "three", str(specs))

    told = capsys.readouterr()
    assert code == 2
    assert "per-user rule groups limit (limit: 13 actual: 14) exceeded" in told.err
    assert [line.rpartition(": ")[2] for line in told.out.splitlines()][11:15] == [
        "done",
        "done",
        "not done",
        "not tried",
    ]

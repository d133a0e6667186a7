"""What defaults save: 400 SLOs written out, and the same over defaults of a repository and of each document.

Run as `python -m bench.defaults`: a Markdown table on standard output. Both compile to the same rules, or it
ends with an error.
"""

import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from sloctl.files import read_spec_files
from sloctl.model import Slo
from sloctl.spec import read_specs

Document: TypeAlias = dict[str, Any]

SERVICES: Final = 80
SLOS_PER_SERVICE: Final = 5
SEED: Final = 15
_TEAMS: Final = ("checkout", "payments", "search", "catalogue", "identity", "delivery", "platform", "data")
# Most teams keep to the usual objective and window, some have a reason not to.
_OBJECTIVES: Final = ("99.9%", "99.9%", "99.9%", "99.5%", "99%", "99.95%")
_WINDOWS: Final = ("28d", "28d", "28d", "28d", "7d")
_GROUPS: Final = (["cluster"], ["cluster"], ["cluster"], ["cluster", "tenant"])
REPOSITORY: Final[Document] = {
    "apiVersion": "sloctl.dev/v1",
    "kind": "RepositorySettings",
    "defaults": {
        "scrapeInterval": "15s",
        "objective": "99.9%",
        "window": "28d",
        "groupBy": ["cluster"],
        "labels": {"organisation": "example", "environment": "production"},
        "annotations": {"grafana_url": "https://grafana.example.com"},
        "alerting": {
            "severity": {"page": "critical", "ticket": "warning"},
            "noData": {"after": "30m"},
            "minErrors": 5,
        },
    },
}
_SHARED_KEYS: Final = ("objective", "window", "groupBy")


def main() -> None:
    written_out = make_documents()
    shortened = [shorten_document(document) for document in written_out]
    with tempfile.TemporaryDirectory() as directory:
        folders = [Path(directory, name) for name in ("written-out", "shortened")]
        for folder, documents in zip(folders, (written_out, shortened), strict=True):
            write_documents(folder, documents)
        (folders[1] / ".sloctl.yaml").write_text(dump(REPOSITORY))
        (folders[1] / ".git").mkdir()
        before, after = (read_slos(folder) for folder in folders)
        if before != after or len(before) != SERVICES * SLOS_PER_SERVICE:
            raise SystemExit("the two do not mean the same")
        print("\n".join(compare_lines(*folders)))


def make_documents() -> list[Document]:
    """Make a document for each service, with everything written out that holds for its SLOs."""
    chance = random.Random(SEED)  # noqa: S311 - the same repository each time, nothing secret
    return [_make_document(chance, number) for number in range(SERVICES)]


def shorten_document(document: Document) -> Document:
    """Leave out of a document what defaults say, and say what all its other SLOs have alike once."""
    defaults = REPOSITORY["defaults"]
    spec = {key: value for key, value in document["spec"].items() if value != defaults.get(key)}
    metadata = dict(document["metadata"])
    for key in ("labels", "annotations"):
        own = {name: text for name, text in metadata[key].items() if defaults[key].get(name) != text}
        metadata[key] = own
    shared = {}
    for key in _SHARED_KEYS:
        value, count = Counter(repr(slo[key]) for slo in spec["slos"]).most_common(1)[0]
        usual = next(slo[key] for slo in spec["slos"] if repr(slo[key]) == value)
        if usual != defaults[key] and count > 1:
            shared[key] = usual
    meant = {key: shared.get(key, defaults[key]) for key in _SHARED_KEYS}
    slos = [{key: value for key, value in slo.items() if value != meant.get(key)} for slo in spec["slos"]]
    return {**document, "metadata": metadata, "spec": {**shared, **spec, "slos": slos}}


def write_documents(folder: Path, documents: list[Document]) -> None:
    """Write each document as a file, one key a line as people write them."""
    folder.mkdir()
    for document in documents:
        (folder / f"{document['metadata']['name']}.yaml").write_text(dump(document))


class _SpecDumper(yaml.SafeDumper):
    """YAML as people write specs: no aliases, and a list of words on one line."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def _represent_list(dumper: _SpecDumper, items: list[object]) -> yaml.Node:
    is_short = all(isinstance(item, str) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=is_short)


_SpecDumper.add_representer(list, _represent_list)


def dump(document: Document) -> str:
    return yaml.dump(document, Dumper=_SpecDumper, sort_keys=False, width=1000)


def read_slos(folder: Path) -> tuple[Slo, ...]:
    """Read the SLOs below *folder*; ends where they have problems."""
    specs = read_specs(read_spec_files([str(folder)], None))
    if specs.problems:
        raise SystemExit("\n".join(map(str, specs.problems)))
    return specs.slos


def compare_lines(written_out: Path, shortened: Path) -> list[str]:
    """Return the table: files, lines and bytes of both."""
    rows = ["| 400 SLOs of 80 services | files | lines | lines an SLO | bytes |", "|---|---|---|---|---|"]
    for name, folder in (("written out", written_out), ("over defaults", shortened)):
        texts = [path.read_text() for path in sorted(folder.rglob("*.yaml"))]
        lines, size = sum(text.count("\n") for text in texts), sum(map(len, texts))
        each = lines / SERVICES / SLOS_PER_SERVICE
        rows.append(f"| {name} | {len(texts)} | {lines:,} | {each:.1f} | {size:,} |")
    return rows


def _make_document(chance: random.Random, number: int) -> Document:
    team = _TEAMS[number % len(_TEAMS)]
    name = f"{team}-{('api', 'worker', 'gateway', 'store', 'indexer')[number // len(_TEAMS) % 5]}-{number:02}"
    defaults = REPOSITORY["defaults"]
    usual = chance.choice(_OBJECTIVES)
    window, group_by = chance.choice(_WINDOWS), chance.choice(_GROUPS)
    slos = [
        {
            "name": slo_name,
            "description": description,
            "objective": usual if chance.random() < 0.7 else chance.choice(_OBJECTIVES),
            "window": window,
            "indicator": indicator,
            "groupBy": group_by,
        }
        for slo_name, description, indicator in _indicators(name)
    ]
    return {
        "apiVersion": "sloctl.dev/v1",
        "kind": "ServiceLevelObjectives",
        "metadata": {
            "name": name,
            "labels": {"team": team, "tier": str(1 + number % 3), **defaults["labels"]},
            "annotations": {"runbook_url": f"https://runbooks.example.com/{name}", **defaults["annotations"]},
        },
        "spec": {
            "description": f"{name} of team {team}.",
            "scrapeInterval": defaults["scrapeInterval"],
            "alerting": defaults["alerting"],
            "slos": slos,
        },
    }


def _indicators(service: str) -> list[tuple[str, str, Document]]:
    requests = f'http_server_request_duration_seconds_count{{job="{service}"'
    seconds = f'http_server_request_duration_seconds{{job="{service}"'
    return [
        (
            "availability",
            "Requests answered without a server error.",
            {
                "ratio": {
                    "error": f'{requests}, http_response_status_code=~"5.."}}',
                    "total": f"{requests}}}",
                }
            },
        ),
        (
            "latency",
            "Requests answered within a quarter of a second.",
            {"latency": {"histogram": f"{seconds}}}", "threshold": "250ms"}},
        ),
        (
            "checkout-latency",
            "Checkouts answered within a second.",
            {"latency": {"histogram": f'{seconds}, http_route="/checkout"}}', "threshold": "1s"}},
        ),
        (
            "calls",
            "Calls to other services that did not fail.",
            {
                "ratio": {
                    "error": f'rpc_client_calls_total{{job="{service}", rpc_grpc_status_code!="0"}}',
                    "total": f'rpc_client_calls_total{{job="{service}"}}',
                }
            },
        ),
        (
            "jobs",
            "Jobs that came to their end.",
            {
                "ratio": {
                    "error": f'jobs_finished_total{{job="{service}", outcome="failed"}}',
                    "total": f'jobs_finished_total{{job="{service}"}}',
                }
            },
        ),
    ]


if __name__ == "__main__":
    main()

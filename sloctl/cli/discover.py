"""Propose SLOs from the metrics that a Prometheus has: specs of the presets that fit, for you to decide on.

Prints one document a service, or writes one file a service that is not there yet. Objectives and thresholds
are placeholders: they are yours to choose.

example:
  sloctl discover --prometheus http://prometheus:9090
  sloctl discover --prometheus http://prometheus:9090 -d slos
"""

import argparse
import sys

from sloctl.cli.arguments import add_output_directory
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun, require_extra
from sloctl.cli.server_arguments import add_prometheus_url, add_server_options, read_client_options
from sloctl.prometheus.errors import PrometheusError
from sloctl.prometheus.plain_client import PrometheusClient
from sloctl.spec.presets import load_shipped_preset, shipped_names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_prometheus_url(parser, help_text="that has the services' series")
    add_output_directory(parser, required=False, help_text="write below this directory, else print")
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    with require_extra("sidecar"):
        from sloctl.discovery import discover_presets, render_specs  # noqa: PLC0415 - it reads presets' examples

    presets = [load_shipped_preset(name) for name in shipped_names()]
    try:
        client = PrometheusClient(arguments.prometheus, read_client_options(arguments, arguments.prometheus))
        proposals = list(discover_presets(presets, client.query))
    except PrometheusError as failed:
        raise CouldNotRun(str(failed)) from failed
    documents = render_specs(proposals)
    if arguments.output_dir is None:
        sys.stdout.write("---\n".join(documents.values()))
    else:
        arguments.output_dir.mkdir(parents=True, exist_ok=True)
        for service, text in documents.items():
            file = arguments.output_dir / f"{service}.yaml"
            try:
                with file.open("x", encoding="utf-8") as written:
                    written.write(text)
            except FileExistsError:
                print(f"{file} is there already, and stays as it is", file=sys.stderr)
    found = len({proposal.preset for proposal in proposals})
    print(f"{len(presets)} presets, {found} fit: {len(proposals)} SLOs proposed", file=sys.stderr)
    return FINE if proposals else PROBLEMS_FOUND

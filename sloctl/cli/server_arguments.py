"""The options about a server that is asked: its URL, credentials, certificates and headers.

URLs may come from the environment, and so may the names of the files that hold the tokens to them. A token of
the environment goes to the URL of the environment alone, never to one that was typed.
"""

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sloctl.cli.arguments import OptionHolder
from sloctl.cli.exit_codes import CouldNotRun

if TYPE_CHECKING:
    from sloctl.prometheus.credentials import ClientOptions

_MAX_BYTES: Final = 256 * 1024 * 1024
_HEADER_LINE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(\S.*)")

PROMETHEUS_URL: Final = "PROMETHEUS_URL"
SIDECAR_URL: Final = "SLOCTL_SIDECAR_URL"
# Which variable names the file with the token to the URL of which.
_TOKEN_FILE_VARIABLES: Final = {
    PROMETHEUS_URL: "PROMETHEUS_TOKEN_FILE",
    SIDECAR_URL: "SLOCTL_SIDECAR_TOKEN_FILE",
}


def add_prometheus_url(parser: OptionHolder, *, help_text: str, required: bool = True) -> None:
    """Add --prometheus URL, which where it is *required* must be given unless $PROMETHEUS_URL is."""
    url = os.environ.get(PROMETHEUS_URL) or None
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        default=url,
        required=required and url is None,
        help=f"{help_text}; by default ${PROMETHEUS_URL}",
    )


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `read_client_options` reads."""
    group = parser.add_argument_group("access, all from files")
    group.add_argument("--token-file", metavar="FILE", type=Path, help="holds a bearer token")
    group.add_argument("--username", metavar="NAME", help="of basic authentication")
    group.add_argument("--password-file", metavar="FILE", type=Path, help="holds the password to --username")
    group.add_argument(
        "--header-file",
        metavar="FILE",
        type=Path,
        help="holds headers, such as X-Scope-OrgID: shop, one a line",
    )
    group.add_argument("--ca-file", metavar="FILE", type=Path, help="authorities to believe, PEM")
    group.add_argument("--cert-file", metavar="FILE", type=Path, help="the certificate to show, PEM")
    group.add_argument("--key-file", metavar="FILE", type=Path, help="the key to --cert-file, PEM")


def read_client_options(
    arguments: argparse.Namespace, url: str, *, timeout_seconds: float = 10.0
) -> "ClientOptions":
    """Build the options of a client of *url*; raises CouldNotRun for options that do not fit together."""
    # Not for `validate`, which asks no server as a rule: it brings ssl along.
    from sloctl.prometheus.credentials import BasicAuth, ClientOptions, TlsFiles  # noqa: PLC0415

    username, password_file = arguments.username, arguments.password_file
    if (username is None) != (password_file is None):
        raise CouldNotRun("basic authentication needs both --username and --password-file")
    token_file = arguments.token_file
    for url_variable, file_variable in _TOKEN_FILE_VARIABLES.items():
        if token_file is None and url == os.environ.get(url_variable) and os.environ.get(file_variable):
            token_file = Path(os.environ[file_variable])
    headers = {} if arguments.header_file is None else _read_headers(arguments.header_file)
    try:
        return ClientOptions(
            timeout_seconds=timeout_seconds,
            max_bytes=_MAX_BYTES,
            bearer_token_file=token_file,
            basic_auth=None if username is None else BasicAuth(username, password_file),
            tls=TlsFiles(arguments.ca_file, arguments.cert_file, arguments.key_file),
            headers=headers,
        )
    except ValueError as wrong:
        raise CouldNotRun(str(wrong)) from wrong


def _read_headers(file: Path) -> dict[str, str]:
    """Read `NAME: VALUE` lines; the CouldNotRun of a bad one names the line, never what is in it."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as failure:
        raise CouldNotRun(f"cannot read {file}: {failure.strerror}") from None
    except UnicodeDecodeError:
        raise CouldNotRun(f"{file} is not UTF-8 text") from None
    headers = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        header = _HEADER_LINE.fullmatch(line.rstrip())
        if header is None or not (line.isascii() and header[2].isprintable()):
            raise CouldNotRun(f"{file}:{number}: a header is a line NAME: VALUE in plain text")
        headers[header[1]] = header[2]
    return headers

"""The options about a server that is asked: credentials, certificates and headers, all from files."""

import argparse
import re
from pathlib import Path
from typing import Final

from sloctl.cli.exit_codes import CouldNotRun
from sloctl.prometheus.credentials import BasicAuth, ClientOptions, TlsFiles

_MAX_BYTES: Final = 256 * 1024 * 1024
_HEADER_LINE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(\S.*)")


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


def read_client_options(arguments: argparse.Namespace, *, timeout_seconds: float = 10.0) -> ClientOptions:
    """Build the options of a client; raises CouldNotRun for options that do not fit together."""
    username, password_file = arguments.username, arguments.password_file
    if (username is None) != (password_file is None):
        raise CouldNotRun("basic authentication needs both --username and --password-file")
    headers = {} if arguments.header_file is None else _read_headers(arguments.header_file)
    try:
        return ClientOptions(
            timeout_seconds=timeout_seconds,
            max_bytes=_MAX_BYTES,
            bearer_token_file=arguments.token_file,
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

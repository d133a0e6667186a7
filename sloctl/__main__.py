"""`python -m sloctl`."""

from sloctl.cli.main import entry_point

entry_point()

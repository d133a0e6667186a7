"""What several tests of the chart start from."""

import shutil
from pathlib import Path

import pytest

from tests.helm.chart import CHART, ROOT


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """With its dependency in place, as `helm dependency build` puts it there."""
    copied = tmp_path / "payments-api"
    shutil.copytree(ROOT / "deploy" / "payments-api", copied)
    shutil.copytree(CHART, copied / "charts" / "sloctl", dirs_exist_ok=True)
    return copied

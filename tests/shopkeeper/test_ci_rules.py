"""With CI=true a skipped test is a failed one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("ci", "where", "code"),
    [("true", "in_test", 1), ("true", "in_module", 2), ("", "in_test", 0), ("", "in_module", 5)],
)
def test_skip_fails_under_ci_alone(tmp_path: Path, ci: str, where: str, code: int) -> None:
    skips = {
        "in_test": "def test_it():\n    pytest.skip('no data')\n",
        "in_module": "pytest.skip('no data', allow_module_level=True)\n",
    }
    file = tmp_path / "test_skips.py"
    file.write_text(f"import pytest\n\n\n{skips[where]}")
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", f"--rootdir={ROOT}", file],
        cwd=ROOT,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == code, told.stdout
    assert ("CI=true forbids" in told.stdout) == (ci == "true")

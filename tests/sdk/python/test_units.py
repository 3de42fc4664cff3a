"""systemd's own opinion of config/systemd: it understands the units, and the service is sealed off."""

import shutil
import subprocess

import pytest

from conftest import PATIENCE, ROOT, binary

UNITS = ROOT / "config" / "systemd"

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing: apt-get install systemd")


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE)


@pytest.fixture
def units(tmp_path):
    """The units as they are, but for where the program is: none is installed."""
    service, socket = ((UNITS / name).read_text() for name in ("llmgw.service", "llmgw.socket"))
    assert service.count("\nExecStart=llmgw serve ") == 1
    (tmp_path / "llmgw.service").write_text(service.replace("ExecStart=llmgw", f"ExecStart={binary()}"))
    (tmp_path / "llmgw.socket").write_text(socket)
    return tmp_path


def test_systemd_understands_the_units(units):
    run = analyze("verify", "--man=no", units / "llmgw.service", units / "llmgw.socket")
    # Before 253 systemd does not know the second of two lines, and goes by the first: the unit says so.
    faults = [line for line in run.stderr.splitlines() if "ignoring: notify-reload" not in line]
    assert (run.returncode, faults) == (0, [])


def test_the_service_is_sealed_off(units):
    run = analyze("security", "--offline=true", "--threshold=20", units / "llmgw.service")
    assert run.returncode == 0, run.stdout

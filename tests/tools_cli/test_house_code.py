"""A house's own Python files that want to end the program, or never come to their end."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from myocan.hub import house_code
from myocan.hub.declared import ModelsError, load_models
from myocan.hub.externals import ExternalsError, load_externals
from myocan.tools.adapters.load_code import load_ports
from myocan.tools.cli.exits import Ended
from myocan.tools.errors import ToolsError

ENDS = "import sys\n\nsys.exit(3)\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_hub_whose_models_never_end(house: Path, number: signal.Signals) -> None:
    (house / "models.py").write_text("print('here', flush=True)\nwhile True:\n    pass\n")
    with subprocess.Popen(
        [sys.executable, "-m", "myocan.tools.cli", "run"],
        cwd=house,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as hub:
        try:
            assert hub.stdout is not None
            assert hub.stdout.readline() == "here\n"
            hub.send_signal(number)
            told = hub.communicate(timeout=120)[1]
        finally:
            hub.kill()
    assert told == "myocan: the hub was stopped while models.py was running\n"
    assert hub.returncode == 128 + number


def test_who_waits_for_a_file_is_told_for_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = threading.Event()
    tell = house_code._tell

    def telling(name: str) -> None:
        tell(name)
        told.set()

    monkeypatch.setattr(house_code, "SLOW_S", 0)
    monkeypatch.setattr(house_code, "_tell", telling)
    module = ModuleType("models")
    module.__dict__["told"] = told
    (tmp_path / "models.py").write_text("assert told.wait(60)\n")
    house_code.run_file(tmp_path / "models.py", module, ModelsError)
    assert "models.py has been running for 0 seconds; Ctrl-C stops this" in capsys.readouterr().err
    assert house_code.now_running() == ""


def test_a_file_that_ends_the_program_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(ENDS)
    with pytest.raises(ModelsError, match=r"code\.py:3: this ends the whole program; mend it"):
        load_models(path)
    with pytest.raises(ExternalsError, match=r"code\.py:3: this ends the whole program; mend it"):
        load_externals(path)
    with pytest.raises(ToolsError, match=r"code\.py, line 3: this ends the whole program; mend it"):
        load_ports({"code": path})


def test_a_signal_is_not_taken_for_the_file_s_own_end(tmp_path: Path) -> None:
    path = tmp_path / "models.py"
    path.write_text("from myocan.tools.cli.exits import Ended\n\nraise Ended(143)\n")
    with pytest.raises(Ended):
        load_models(path)

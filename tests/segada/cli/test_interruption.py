"""SIGINT and SIGTERM end a command with code 3 and a line that says how to go on, whenever they come."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hpo.orchestration.coordinator import RunCoordinator
from hpo.orchestration.signals import Stopping
from segada.cli import interruption
from segada.cli.exit_codes import INTERRUPTED, exit_code
from segada.cli.interruption import Interruption
from segada.errors import InputError

PATIENCE = 60.0


def press(*numbers: signal.Signals) -> None:
    for number in numbers:
        signal.raise_signal(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", [["hpo.run", "--space", "smoke.yaml"], ["hpo.compare", "x"], ["segada.adapt", "x"]])
def test_a_command_that_still_imports_ends_with_the_line(
    number: signal.Signals, command: list[str], tmp_path: Path
) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", *command], stderr=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True
    )
    try:
        end = time.monotonic() + PATIENCE
        while not _catches(started.pid, signal.SIGTERM) and time.monotonic() < end:
            time.sleep(0.001)
        os.killpg(started.pid, number)
        _, said = started.communicate(timeout=PATIENCE)
    finally:
        started.kill()
        started.communicate()
    assert started.returncode == INTERRUPTED
    assert said == f"interrupted; what is finished is kept. To go on: python -m {' '.join(command)}\n"
    assert list(tmp_path.iterdir()) == []


def _catches(pid: int, number: signal.Signals) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")), 0)
    return bool(caught >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_every_command_ends_of_a_signal_with_code_3(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        press(number)
        time.sleep(PATIENCE)

    before = signal.getsignal(signal.SIGTERM)
    assert exit_code(command, "nothing was written") == INTERRUPTED
    assert capsys.readouterr().err.startswith("interrupted; nothing was written. To go on: python ")
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_sent_twice_asks_once_and_ends_what_takes_longer_than_it_may(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(interruption.STOP_WAIT, "0.3")
    asked: list[float] = []

    def ask() -> str:
        asked.append(time.monotonic())
        return "in a moment"

    def work() -> None:
        press(signal.SIGTERM, signal.SIGTERM)
        time.sleep(PATIENCE)

    with pytest.raises(KeyboardInterrupt), Interruption(ask):
        work()
    # The wait begins before `ask` is called.
    assert 0.2 <= time.monotonic() - asked[0] < PATIENCE / 2
    assert len(asked) == 1
    assert capfd.readouterr().err == "in a moment\n"


def test_once_the_work_is_over_sigterm_spoils_no_results() -> None:
    with Interruption(lambda: None) as interruptible:
        interruptible.rest()
        press(signal.SIGTERM)
        time.sleep(0.01)
        with pytest.raises(KeyboardInterrupt):
            press(signal.SIGINT)


def test_signals_at_the_end_of_a_command_are_ignored_and_other_handlers_restored() -> None:
    former = signal.signal(signal.SIGTERM, interruption._end)
    other = signal.getsignal(signal.SIGINT)
    try:
        with Interruption(lambda: None):
            assert signal.getsignal(signal.SIGTERM) not in (interruption._end, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is other
    finally:
        signal.signal(signal.SIGTERM, former)


def test_a_time_to_stop_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(interruption.STOP_WAIT, "soon")
    with pytest.raises(InputError, match="SEGADA_STOP_WAIT=soon: must be a number of seconds"):
        Interruption(lambda: None)


class Idle(RunCoordinator):
    """A run without work."""

    def __init__(self) -> None:
        self._stopped = False
        self._running = {}
        self.lost = "Ray's node manager (raylet) is gone"


def test_results_are_written_beside_a_main_thread_that_hangs(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    done: list[object] = []
    is_over = threading.Event()

    def leave(code: int) -> None:
        done.append(code)
        is_over.set()

    monkeypatch.setattr("segada.cli.interruption.PATIENCE", 0.1)
    monkeypatch.setattr("os._exit", leave)
    with Stopping(Idle(), lambda: done.append("results")) as stopping:
        with pytest.raises(KeyboardInterrupt):
            press(signal.SIGTERM)
        # As in a call of Ray that does not come back.
        assert is_over.wait(PATIENCE)
        monkeypatch.undo()
        # The end of the process would have released it.
        stopping._once.release()
    assert done == ["results", INTERRUPTED]
    said = capfd.readouterr().err
    assert said.startswith("Ray's node manager (raylet) is gone; what is finished is kept. To go on: python ")


def test_results_are_not_written_twice_where_the_main_thread_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    monkeypatch.setattr("segada.cli.interruption.PATIENCE", 0.1)
    monkeypatch.setattr("os._exit", done.append)
    with Stopping(Idle(), lambda: done.append("results")) as stopping:
        with pytest.raises(KeyboardInterrupt):
            press(signal.SIGINT)
        stopping.rest()
        time.sleep(0.3)
    assert done == []

"""`import segada`: its names and signatures, its worked examples, and runs from a script, a thread and a notebook."""

import ast
import doctest
import inspect
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import segada
from segada.cli.interruption import Interruption

SIGNATURES = {
    "load_settings": "(file: str | pathlib.Path, overrides: collections.abc.Mapping[str, JsonValue] | None = None,"
    " options: collections.abc.Mapping[str, str] | None = None) -> segada.settings.run.RunSettings",
    "run": "(settings: segada.settings.run.RunSettings, out: str | pathlib.Path | None = None, *,"
    " tags: collections.abc.Sequence[str] = (), progress: bool = False) -> segada.records.RunReport",
    "Run": "(settings: segada.settings.run.RunSettings, run_data: segada.engine.run_data.RunData | None = None,"
    " out: str | pathlib.Path | None = None, timer: segada.core.timer.Timer = ...,"
    " evaluation_batch: int | None = None, validate: bool = True) -> None",
}
CLASSES = {"InputError", "Run", "RunReport", "RunSettings", "VisitRecord"}
EXAMPLE = """
from pathlib import Path
import segada
tiny = {"data.size": [32, 64], "data.splits": {"source": 4, "adapt": 4, "test": 2}, "stream.frames": 4}
Path("settings.yaml").write_text("stream: {visits: [clear, 25mm]}")
settings = segada.load_settings("settings.yaml", tiny)
domains = [visit.domain for visit in segada.Run(settings, out="runs/a")]
report = segada.run(settings, out="runs/a")
assert domains == [visit.domain for visit in report.visits] == ["clear", "25mm"], domains
assert not list(segada.Run(settings, out="runs/a"))
"""


def test_names_are_these() -> None:
    assert set(segada.__all__) == {*CLASSES, "load_settings", "run", "__version__"}
    assert set(segada.__all__) <= set(dir(segada))
    assert all(inspect.isclass(getattr(segada, name)) for name in CLASSES)
    with pytest.raises(AttributeError, match="'segada' has no attribute 'ruin'"):
        segada.ruin  # noqa: B018


def test_type_checkers_see_the_names_that_are_imported_when_used() -> None:
    tree = ast.parse(Path(segada.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == segada._PUBLIC


def test_signatures_are_these() -> None:
    found = {name: str(inspect.signature(getattr(segada, name))) for name in SIGNATURES}
    timer = str(inspect.signature(segada.Run).parameters["timer"].default)
    assert {name: text.replace(timer, "...") for name, text in found.items()} == SIGNATURES


def test_importing_loads_neither_torch_nor_numpy_nor_pydantic() -> None:
    program = "import sys, segada; dir(segada); print([n for n in ('torch', 'numpy', 'pydantic') if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["", *sorted({*CLASSES, "load_settings", "run"})])
def test_every_name_is_documented_by_an_example_that_works(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    documented = getattr(segada, name) if name else segada
    assert documented.__doc__
    parsed = doctest.DocTestParser().get_doctest(documented.__doc__, {}, name, None, None)
    assert parsed.examples
    runner = doctest.DocTestRunner(verbose=False)
    said: list[str] = []
    assert runner.run(parsed, out=said.append).failed == 0, "".join(said)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(segada.InputError, match=r"holds thesis\.txt but no run"):
        segada.run(segada.RunSettings(), out=tmp_path)


def test_runs_work_in_a_thread_and_leave_signals_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    failures: list[BaseException] = []

    def example() -> None:
        try:
            with Interruption(lambda: None):
                exec(EXAMPLE, {})  # noqa: S102 - the example of this file
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    thread = threading.Thread(target=example)
    thread.start()
    thread.join()
    assert failures == []
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_example_works_in_a_notebook(tmp_path: Path) -> None:
    manager = pytest.importorskip("jupyter_client.manager", reason="needs jupyter_client and ipykernel")
    pytest.importorskip("ipykernel", reason="needs ipykernel")
    root = str(Path(segada.__file__).parent.parent)
    with manager.run_kernel(cwd=str(tmp_path)) as client:
        said: list[str] = []
        reply = client.execute_interactive(
            f"import sys; sys.path.insert(0, {root!r})\n{EXAMPLE}\nsegada.run(settings, 'runs/b', progress=True)",
            timeout=300,
            output_hook=lambda message: said.append(str(message["content"])),
        )
    assert reply["content"]["status"] == "ok", said
    assert "mean_miou" in "".join(said)
    assert "\\x1b" not in "".join(said), "a notebook shows lines, not control sequences of a terminal"
    assert (tmp_path / "runs" / "b" / "report.json").is_file()

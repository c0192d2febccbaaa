"""Command lines as an enemy: what is wrong is refused in one line with exit code 2, soon, and nothing is made."""

import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

LONG = "a" * 5000
WIDE = "a" * 300
NINES = "9" * 5000
ESCAPE = "a\x1b[31mb\nc"

PLACES = [
    LONG,
    f"x/{WIDE}",
    ESCAPE,
    "loop",
    "fifo",
    "/dev/zero",
    "",
    "folder",
    "binary.yaml",
    "utf16.yaml",
    "deep.yaml",
]
READERS = {
    "hpo.space": ["check"],
    "hpo.run": ["--space"],
    "hpo.compare": [],
    "hpo.status": [],
    "hpo.report": [],
    "hpo.submit": ["--space"],
    "segada.adapt": [],
    "segada.pretrain": [],
    "segada.evaluate": [],
    "segada.convert": [],
    "segada.profile": [],
    "segada.init": [],
}
"""Commands that read a file or a folder, and what stands before it on the command line."""
OUTS = [LONG, f"x/{WIDE}", ESCAPE, "loop", "loop/x", "file", "file/x"]
WRITERS = {
    "hpo.run": ["--space", "smoke", "--address", "127.0.0.1:1", "--out"],
    "segada.adapt": ["good.yaml", "--out"],
    "segada.pretrain": ["--out"],
    "segada.evaluate": ["streets_tiny", "--out"],
    "segada.init": ["folder", "--out"],
}
"""Commands that write a folder, and what stands before it."""
ASSIGNMENTS = [
    *("", "=", "a", "a=", ".=1", "a..b=1", "=1", f"{LONG}=1", f"{'a.' * 100}a=1", "x\x03y=1", "data.domains.x\ny={}"),
    *("seed=!!int abc", f"seed={NINES}", f"seed={'9' * 22}", "seed=0x_", "seed=- - -", f"stream.visits={'[' * 2000}"),
    *(
        "stream.rounds=1000000000",
        "stream.visits=\x1b",
        "stream.visits=clear,[",
        "method.pseudo_threshold=.nan",
        "a=&a [*a]",
    ),
    *("a=*a", "a=<<: b", "stream.visits=!!set {a}", 'model.checkpoint="\\0"', f"model.checkpoint={LONG}", "preset=[1]"),
    *('model.checkpoint=""', "data.size=[1000000000, 1]"),
    *(f"data.root={LONG}", 'data.root="a\\0b"', f"model.encoder=timm/{LONG}", "stream=1", "method={a: 1}"),
]
SETTERS = {"hpo.run": ["--space", "smoke", "--set"], "segada.adapt": ["good.yaml", "--set"]}
"""Commands that set a path, and what stands before it."""
URLS = [
    *(
        "sqlite://[::1/x",
        "sqlite:///",
        "sqlite://",
        "postgresql://h:abc/x",
        "postgresql://h:99999999/x",
        "://",
        "x://y",
    ),
    *(f"sqlite:///{LONG}", f"sqlite:///{WIDE}", f"sqlite:///{ESCAPE}", "http://x"),
]
OTHERS = [
    *(("segada.adapt", "good.yaml", "--set", f"model.checkpoint={place}") for place in ("/dev/zero", "fifo")),
    *(
        ("hpo.run", "--space", "smoke", "--set", f"model.checkpoint={place}")
        for place in ("/dev/zero", "fifo", "gone.pth")
    ),
    *(("hpo.run", "--space", "smoke", "--trials", number) for number in ("-1", "0", "1000000000", "9" * 30)),
    *(("hpo.run", "--space", "smoke", "--seed", number) for number in ("-1", "9" * 30)),
    *(("hpo.run", "--space", "smoke", "--storage", url) for url in (*URLS, "", "x")),
    *(("hpo.status", url) for url in URLS),
    *(("hpo.status", "folder", "--watch", seconds) for seconds in ("nan", "-1", "inf")),
    *(("hpo.status", folder) for folder in ("url", "list", "deep", "bytes")),
    *(("hpo.submit", "--space", "smoke", "--include", place) for place in (LONG, WIDE, "loop", ESCAPE)),
    *(("hpo.submit", "list", "--address", address) for address in ("http://[::1/x", "http://h:abc", "x", "")),
    *(("hpo.compare", "compare_methods", "--set", text) for text in ("seed=!!int abc", f"{LONG}=1")),
    *(("segada.adapt", "good.yaml", "--cfg-options", "seed=1", text) for text in ("seed=!!int abc", f"{LONG}=1", "a")),
    *(("segada.adapt", "--resume-from", place) for place in (LONG, "loop", "file")),
    *(("segada.adapt", "good.yaml", *words) for words in (["--seed", "-1"], ["--seed", "9" * 30], ["--tags", "\x00"])),
    *(("segada.pretrain", "--half", f"{stem}.safetensors") for stem in (LONG, WIDE, "file/x", "loop/x")),
    *(("segada.convert", "streets_tiny", f"{stem}.safetensors") for stem in (LONG, WIDE, "file/x", ESCAPE)),
    *(("segada.evaluate", "streets_tiny", "--slide", pixels) for pixels in (NINES, "1000000000")),
    *(("segada.evaluate", "streets_tiny", "--batch-size", number) for number in ("-1", "9" * 30)),
    *(("segada.profile", "good.yaml", "--steps", number) for number in ("-1", "9" * 30)),
    *(("segada.data.__main__", "check", place) for place in (LONG, WIDE, "loop", "file")),
]
LOADED = (
    "segada.data.inspection.check_command",
    "segada.engine.pretraining",
    "segada.evaluation.options",
    "segada.evaluation.session",
    "segada.models.formats.conversion",
    "segada.profiling.profile_tables",
)
"""Modules that a command imports when its options are parsed; imported before the time of a refusal is measured."""
LINES = [
    *((module, *before, place) for module, before in READERS.items() for place in PLACES),
    *((module, *before, out) for module, before in WRITERS.items() for out in OUTS),
    *((module, *before, text) for module, before in SETTERS.items() for text in ASSIGNMENTS),
    *OTHERS,
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything is odd."""
    folder = tmp_path_factory.mktemp("odd")
    for name in ("folder", "url", "list", "deep", "bytes"):
        (folder / name).mkdir()
    (folder / "file").write_text("x")
    (folder / "good.yaml").write_text("stream: {visits: [clear], frames: 2}\nmodel: {checkpoint: nope}\n")
    (folder / "binary.yaml").write_bytes(bytes(range(256)) * 40)
    (folder / "utf16.yaml").write_text("name: a\n", encoding="utf-16")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "fifo")
    deep = f"a: {'[' * 2000}{']' * 2000}"
    (folder / "deep.yaml").write_text(deep)
    (folder / "deep" / "study.yaml").write_text(deep)
    (folder / "url" / "study.yaml").write_text("storage: 'sqlite://[::1/x'\n")
    (folder / "list" / "study.yaml").write_text("storage: [1]\n")
    (folder / "bytes" / "study.yaml").write_bytes(b"\x00\xff")
    return folder


@pytest.fixture
def refused(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[tuple[str, ...]], str]:
    """Runs a command that must refuse, and gives the line that it says."""
    for module in LOADED:
        importlib.import_module(module)
    monkeypatch.chdir(here)
    monkeypatch.delenv("HPO_STORAGE", raising=False)

    def command(line: tuple[str, ...]) -> str:
        main = importlib.import_module(line[0]).main
        before = sorted(here.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["command", *line[1:]])
        begun = time.process_time()
        assert main() == 2
        assert time.process_time() - begun < 2.0
        assert sorted(here.rglob("*")) == before
        return capsys.readouterr().err

    return command


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(line).encode("unicode_escape").decode()[:60])
def test_a_command_line_is_refused_in_one_line(
    refused: Callable[[tuple[str, ...]], str], line: tuple[str, ...]
) -> None:
    said = refused(line)
    assert said.startswith("error: ")
    assert said.endswith("\n")
    assert said[:-1].isprintable()

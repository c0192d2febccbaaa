"""Reads what wandb keeps of its runs, and stands in for its server where that is of no use."""

import json
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

BLOCK = 32768


@dataclass
class Kept:
    """A run as its files have it, over all sessions."""

    name: str
    group: str
    kind: str
    project: str
    entity: str
    tags: list[str]
    config: dict[str, object] = field(default_factory=dict)
    history: list[dict[str, object]] = field(default_factory=list)
    summary: dict[str, object] = field(default_factory=dict)
    artifacts: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def records(path: Path) -> Iterator[Record]:
    """Reads a `.wandb` file: a LevelDB log (7 bytes of file header, then blocks of checksummed fragments)."""
    data, position, whole = path.read_bytes(), 7, b""
    while position + 7 <= len(data):
        rest = BLOCK - position % BLOCK
        if rest < 7:
            position += rest
            continue
        _, length, kind = struct.unpack_from("<IHB", data, position)
        whole += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):
            yield Record.FromString(whole)
            whole = b""


def as_dict(items: Iterable[object]) -> dict[str, object]:
    """The keys and values of a config, a summary or a point of history; nested keys joined by slashes."""
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def kept_runs(out: Path, kind: str = "offline-run") -> dict[str, Kept]:
    """Every run that was kept offline in a folder, or of another kind in wandb's naming of folders, by its id."""
    runs: dict[str, Kept] = {}
    for path in sorted(out.glob(f"wandb/{kind}-*/*.wandb")):
        run = None
        for record in records(path):
            if record.HasField("run"):
                told = record.run
                names = (told.display_name, told.run_group, told.job_type, told.project, told.entity)
                run = runs.setdefault(told.run_id, Kept(*names, tags=list(told.tags)))
                run.config |= as_dict(told.config.update)
                run.files.append(path.parent)
            elif run is not None:
                _add(run, record)
    return runs


def _add(run: Kept, record: Record) -> None:
    if record.HasField("history"):
        run.history.append(as_dict(record.history.item))
    run.summary |= as_dict(record.summary.update)
    name = record.artifact.name or record.request.log_artifact.artifact.name
    if name:
        run.artifacts.append(name)


@contextmanager
def silent_server() -> Iterator[str]:
    """The address of a server that accepts whoever comes and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def stalling_server() -> Iterator[str]:
    """The address of a server that lets every run begin and then takes nothing of it."""
    over = threading.Event()
    project = {"id": "1", "name": "segada", "entity": {"id": "2", "name": "lab"}}

    class Stall(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.path != "/graphql" or b"upsertBucket" not in sent:
                over.wait()
                return
            name = json.loads(sent)["variables"].get("name")
            bucket = {"id": "3", "name": name, "config": "{}", "historyLineCount": 0, "project": project}
            answer = json.dumps({"data": {"upsertBucket": {"bucket": bucket, "inserted": True}}}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stall)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    over.set()
    server.shutdown()
    server.server_close()


@contextmanager
def refusing_server() -> Iterator[str]:
    """The address of a server that knows no key: it answers 401 to everything."""

    class Refusal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(401)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()

"""As much of W&B's server as a sweep and its agents talk to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROJECT = {"id": "1", "name": "rain", "entity": {"id": "2", "name": "lab"}}


class SweepServer(ThreadingHTTPServer):
    """Takes a sweep and hands out one run of it."""

    def __init__(self, proposed: dict[str, object]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proposed = proposed
        self.config = ""
        self.states: list[dict[str, object]] = []
        self.unknown: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, query: str, variables: dict[str, object]) -> dict[str, object] | None:
        """The data that a query asks for; None for one that this server does not know."""
        if "upsertSweep" in query:
            self.config = str(variables["config"])
            return {"upsertSweep": {"sweep": {"name": "abc123", "project": PROJECT}, "configValidationWarnings": []}}
        if "SweepWithRuns" in query:
            return {"project": {"sweep": {"id": "3", "name": "abc123", "config": self.config, "runs": {"edges": []}}}}
        if "createAgent" in query:
            return {"createAgent": {"agent": {"id": "4"}}}
        if "agentHeartbeat" in query:
            return {"agentHeartbeat": {"agent": {"id": "4"}, "commands": json.dumps(self._commands(variables))}}
        if "viewer" in query.lower():
            return {"viewer": {"id": "5", "entity": "lab", "username": "me", "flags": "{}", "teams": {"edges": []}}}
        self.unknown.append(query)
        return None

    def _commands(self, variables: dict[str, object]) -> list[dict[str, object]]:
        self.states.append(json.loads(str(variables["runState"])))
        if len(self.states) > 1:
            return []
        arguments = {name: {"value": value} for name, value in self.proposed.items()}
        return [{"type": "run", "run_id": "run1", "program": "segada.adapt", "args": arguments}]


class _Handler(BaseHTTPRequestHandler):
    server: SweepServer

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        found = None
        if self.path == "/graphql":
            asked = json.loads(sent)
            found = self.server.answer(asked["query"], asked.get("variables") or {})
        self._reply(200 if found is not None else 400, {"data": found} if found is not None else {})

    def do_GET(self) -> None:
        self._reply(404, {})

    def _reply(self, code: int, content: dict[str, object]) -> None:
        data = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass


@contextmanager
def sweep_server(proposed: dict[str, object]) -> Iterator[SweepServer]:
    """A server that proposes this point, once."""
    with SweepServer(proposed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()

"""A Hub on this machine: the few requests that pushing and loading a net take."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_right"


@dataclass
class FakeHub:
    """What was pushed: files by repository and path."""

    address: str = ""
    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    visibility: dict[str, str] = field(default_factory=dict)
    claimed_size: int | None = None  # what it says that the weights have
    card_errors: tuple[str, ...] = ()  # what it finds wrong with any card
    lost: bool = False  # answers 503 to everything

    def commit(self, repo: str) -> str:
        content = b"".join(name.encode() + data for name, data in sorted(self.repos[repo].items()))
        return hashlib.sha1(content).hexdigest()


def handler_of(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if hub.lost:
                return self.answer(503)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self.answer(401, {"error": "Invalid username or password."})
            if self.path == "/api/repos/create":
                return self.create(json.loads(body))
            if self.path == "/api/validate-yaml":
                errors = [{"message": text} for text in hub.card_errors]
                return self.answer(400 if errors else 200, {"errors": errors, "warnings": []})
            _, _, _, owner, name, action, *_ = self.path.split("/")
            repo = f"{owner}/{name}"
            if action == "preupload":
                files = [
                    {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for f in json.loads(body)["files"]
                ]
                return self.answer(200, {"files": files})
            assert action == "commit", self.path
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    value = entry["value"]
                    hub.repos[repo][value["path"]] = base64.b64decode(value["content"])
            commit = hub.commit(repo)
            url = f"{hub.address}/{repo}/commit/{commit}"
            return self.answer(200, {"success": True, "commitUrl": url, "commitOid": commit})

        def create(self, asked: dict[str, str]) -> None:
            repo = f"{asked['organization']}/{asked['name']}"
            if asked["organization"] == "others":
                return self.answer(403, {"error": "You don't have the rights to write there"})
            hub.visibility[repo] = asked.get("visibility", "default")
            hub.repos.setdefault(repo, {})
            return self.answer(200, {"url": f"{hub.address}/{repo}", "name": repo, "id": repo})

        def do_HEAD(self) -> None:
            self.file(with_body=False)

        def do_GET(self) -> None:
            self.file(with_body=True)

        def file(self, with_body: bool) -> None:
            owner, name, *rest = self.path.strip("/").split("/")
            repo = f"{owner}/{name}"
            if hub.lost:
                return self.answer(503)
            if repo not in hub.repos:
                return self.answer(401, headers={"X-Error-Code": "RepoNotFound"})
            content = hub.repos[repo].get("/".join(rest[2:]))  # resolve, revision, path
            if content is None:
                return self.answer(404, headers={"X-Error-Code": "EntryNotFound"})
            size = len(content)
            if hub.claimed_size and rest[-1].endswith(".safetensors"):
                size = hub.claimed_size
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", hub.commit(repo))
            self.send_header("Content-Length", str(size))
            self.end_headers()
            if with_body:
                self.wfile.write(content)
            return None

        def answer(
            self, code: int, body: object = None, headers: dict[str, str] | None = None
        ) -> None:
            content = json.dumps(body).encode() if body is not None else b""
            self.send_response(code)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def serve_hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(hub))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()

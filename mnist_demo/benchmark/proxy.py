"""Several processes of the app behind nginx, each visitor always at the same one.

The text of `CONFIG` is what LOAD.md shows: it needs nothing that Debian's nginx lacks.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mnist_demo.benchmark.server import PATIENCE, answers, app_process, free_port
from mnist_demo.errors import UserError

# A visitor's first answer sets a cookie with a random name, and all that carries it goes to
# the process that the name's hash picks. By address a whole school would be one visitor.
CONFIG = """\
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 10m;
  map $cookie_visitor $visitor {{ "" $request_id; default $cookie_visitor; }}
  map $cookie_visitor $greeting {{
    "" "visitor=$request_id; Path=/; HttpOnly; SameSite=Lax";
    default "";
  }}
  upstream app {{
    hash $visitor consistent;
{servers}
    keepalive 64;
  }}
  # No address may ask for more than a large class draws.
  limit_req_zone $binary_remote_addr zone=updates:10m rate=1000r/s;
  server {{
    listen 127.0.0.1:{port};
    limit_req zone=updates burst=1000 nodelay;
    limit_req_status 429;
    error_page 429 @later;  # of nginx itself; the app's own refusals say when
    location @later {{
      add_header Retry-After 1 always;
      return 429;
    }}
    location / {{
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      add_header Set-Cookie $greeting;
      proxy_request_buffering off;  # nothing that is sent goes to disk
      proxy_buffering off;  # events of a training must come at once
      proxy_read_timeout 1h;
    }}
  }}
}}
"""


def nginx() -> str | None:
    """Where nginx is, if it is installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def config_text(port: int, apps: list[str], folder: Path) -> str:
    servers = "\n".join(
        f"    server {app.removeprefix('http://').strip('/')} max_fails=3 fail_timeout=5s;"
        for app in apps
    )
    return CONFIG.format(port=port, folder=folder, servers=servers)


@contextlib.contextmanager
def proxied(
    processes: int, folder: Path, variables: Mapping[str, str]
) -> Iterator[tuple[str, list[tuple[str, subprocess.Popen[bytes]]]]]:
    """The proxy's address, and each process with its own. Raises UserError."""
    program = nginx()
    if program is None:
        raise UserError("--processes above 1 needs nginx; install it (Debian: apt install nginx)")
    with contextlib.ExitStack() as stack:
        # Each knows which of its runs are on, and no other process does: a folder each.
        runs = Path(variables.get("MNIST_DEMO_RUNS", folder / "runs"))
        own = [{"MNIST_DEMO_RUNS": str(runs / str(number))} for number in range(processes)]
        servers = [
            stack.enter_context(app_process(variables={**variables, **more})) for more in own
        ]
        port, path = free_port(), folder / "nginx.conf"
        path.write_text(config_text(port, [address for address, _ in servers], folder))
        command = [program, "-p", str(folder), "-e", "stderr", "-c", str(path)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _await(process, port)
            yield f"http://127.0.0.1:{port}/", servers
        finally:
            process.terminate()
            process.wait(10)
            assert process.stderr is not None
            process.stderr.close()


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + PATIENCE
    while not answers(port):
        if process.poll() is not None:
            assert process.stderr is not None
            raise UserError(f"nginx ended: {process.stderr.read().decode(errors='replace')[:300]}")
        if time.monotonic() > until:
            raise UserError(f"nginx gave no page within {PATIENCE:g} s")
        time.sleep(0.05)

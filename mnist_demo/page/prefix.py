"""A page below a path of its host ($GRADIO_ROOT_PATH), whatever its proxy does with that path.

Some proxies leave it out of what they hand on, others keep it. Gradio's routes find their way
with both, but every layer before them compares paths.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mnist_demo.page.asgi import App, Receive, Scope, Send


class Unprefixed:
    """The outermost layer: what comes after it reads paths as if the page were the whole host."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = urlsplit(scope.get("root_path", "")).path.rstrip("/")  # may be a whole address
        if prefix and "path" in scope:
            path = scope["path"]
            if path == prefix and scope["type"] == "http":  # files would be looked for beside it
                query = scope.get("query_string", b"")
                place = f"{prefix}/".encode() + (b"?" + query if query else b"")
                headers = [(b"location", place), (b"content-length", b"0")]
                await send({"type": "http.response.start", "status": 307, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return
            path = path[len(prefix) :] if path.startswith(f"{prefix}/") else path
            # Gradio has the prefix from its page; here it would be looked for in the path again.
            scope = {**scope, "path": path, "root_path": ""}
        await self.app(scope, receive, send)

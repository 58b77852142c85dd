"""The endpoints' OpenAPI document, less the upload that the gate does not let in."""

from __future__ import annotations

import json

from mnist_demo.page.asgi import App, Receive, Scope, Send
from mnist_demo.page.gate import API
from mnist_demo.page.localised import rewriting

PATH = f"{API}/openapi.json"
CLOSED = f"{API}/upload"


class Documented:
    """Between the gate and Gradio."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET"
        await self.app(scope, receive, rewriting(send, without_upload) if asked else send)


def without_upload(document: bytes) -> bytes:
    told = json.loads(document)
    told["paths"].pop(CLOSED, None)
    return json.dumps(told).encode()

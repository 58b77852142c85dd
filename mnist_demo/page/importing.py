"""Brings Gradio and the page in, at half of what a plain import costs.

Measured on Gradio 6.31: of six seconds three go into stub files (`.pyi`) that it writes anew
for each of its components, by parsing its own source. Only who develops with Gradio reads
them, and the ones that it was installed with stay where they are.

Tried, no gain: torch on a second thread meanwhile. Both imports hold the interpreter's lock.
What is left is half torch and half Gradio; a page that stands before torch does would need
the registries of nets, data sets and optimizers without it.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

MODULE, WRITER = "gradio.component_meta", "create_or_modify_pyi"


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """No search for garbage while modules are made, of which there is next to none.

    What is there at the end stays, and is not searched again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


@contextlib.contextmanager
def lean(mcp: bool = True) -> Iterator[None]:
    """Gradio, where it is imported inside, writes no stubs; without `mcp` it leaves MCP out."""
    finder = _WithoutStubs()
    hides = not mcp and "mcp" not in sys.modules
    sys.meta_path.insert(0, finder)
    if hides:
        sys.modules["mcp"] = None  # type: ignore[assignment]  # "not installed"
    try:
        with uncollected():
            yield
    finally:
        sys.meta_path.remove(finder)
        if hides:
            del sys.modules["mcp"]


def import_page(mcp: bool = False) -> ModuleType:
    """`page.launch`, with all that it needs; `mcp`: whether it is to serve MCP as well."""
    with lean(mcp):
        from mnist_demo.page import launch
    return launch


class _WithoutStubs(MetaPathFinder):
    """Lets Gradio's module load as it is, then takes its writer of stubs away.

    Where another version has no such module or function, nothing happens.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_without(module: ModuleType) -> None:
            load(module)
            if hasattr(module, WRITER):
                setattr(module, WRITER, _nothing)

        spec.loader.exec_module = load_without  # type: ignore[method-assign]
        return spec


def _nothing(*args: Any, **options: Any) -> None: ...

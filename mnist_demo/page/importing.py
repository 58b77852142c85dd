"""Brings Gradio and the page in, at less than half of what a plain import costs.

Measured on Gradio 6.31: of six seconds three go into stub files (`.pyi`) that it writes anew
for each of its components, by parsing its own source. Only who develops with Gradio reads
them, and the ones that it was installed with stay where they are. Pandas takes a twelfth of
what is left, for tables and for sums of events (`launch.py`), of which this page has none.

Tried, no gain: torch on a second thread meanwhile. Both imports hold the interpreter's lock.
What is left is half torch and half Gradio; a page that stands before torch does would need
the registries of nets, data sets and optimizers without it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
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
    """Gradio, where it is imported inside, writes no stubs and has pandas only once it asks.

    Without `mcp` it leaves MCP out.
    """
    finder = _WithoutStubs()
    instead: dict[str, Any] = {"pandas": _Later("pandas")}
    if not mcp:
        instead["mcp"] = None  # "not installed"
    instead = {name: module for name, module in instead.items() if name not in sys.modules}
    sys.meta_path.insert(0, finder)
    sys.modules |= instead
    try:
        with uncollected():
            yield
    finally:
        sys.meta_path.remove(finder)
        for name, module in instead.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def import_page(mcp: bool = False) -> ModuleType:
    """`page.launch`, with all that it needs; `mcp`: whether it is to serve MCP as well."""
    with lean(mcp):
        from mnist_demo.page import launch
    return launch


class _Later(ModuleType):
    """Stands for a module that is imported when something of it is asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = PathFinder.find_spec(name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":  # what Python itself looks for
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


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

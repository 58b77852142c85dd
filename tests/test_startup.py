"""What is left out of the start: modules that nothing needs before the first page."""

from __future__ import annotations

import contextlib
import gc
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from conftest import ALONE, ROOT

from mnist_demo.page.importing import MODULE, WRITER, lean, uncollected

# Each takes a tenth of a second or more; some come with torch or gradio where these are asked.
NOT_YET = (
    "IPython", "fsspec.generic", "huggingface_hub.hub_mixin", "matplotlib", "mcp", "mlxtend",
    "onnx", "pandas", "safetensors.numpy", "scipy", "sklearn", "sympy", "tensorboard",
    "torch._dynamo", "torch._inductor", "torchvision", "triton",
)  # fmt: skip
START = """
import json, sys, urllib.request
from mnist_demo.page.importing import import_page
launch = import_page()
page = launch.build(launch.make_context())
address = launch.launch_page(page, host="127.0.0.1", block=False)
status = urllib.request.urlopen(address).status
import gradio
page.close()
print(json.dumps({
    "status": status,
    "modules": sorted(sys.modules),
    "writer": sys.modules["gradio.component_meta"].create_or_modify_pyi.__module__,
    "events": sorted(str(event) for event in gradio.Dropdown.EVENTS),
}))
"""


def printed(code: str) -> str:
    """What a fresh Python prints last."""
    environment = {"PATH": "/usr/bin:/bin", "GRADIO_ANALYTICS_ENABLED": "False", **ALONE}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_the_first_page_stands_before_what_it_does_not_need() -> None:
    found = json.loads(printed(START))
    assert found["status"] == 200
    early = [name for name in NOT_YET if name in found["modules"]]
    assert not early, f"imported before the first page: {early}"
    assert found["writer"] == "mnist_demo.page.importing"
    assert {"change", "input", "select", "focus"} <= set(found["events"])


@pytest.mark.parametrize("words", [["--help"], ["benchmark", "--help"], ["train", "--help"]])
def test_help_imports_nothing_that_takes_seconds(words: list[str]) -> None:
    code = f"""
import contextlib, io, sys
from mnist_demo.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main({words!r})
print(" ".join(sys.modules))
"""
    modules = printed(code).split()
    assert "mnist_demo.cli" in modules
    assert not {"torch", "numpy", "gradio", "pandas", "PIL", "safetensors"} & set(modules)


def package(folder: Path, text: str) -> None:
    home = folder / "gradio"
    home.mkdir()
    (home / "__init__.py").write_text("from gradio import component_meta\n")
    (home / "component_meta.py").write_text(text)


@pytest.fixture
def without_gradio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A place for another package of that name."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "gradio"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_only_the_writer_of_stubs_is_taken_away(without_gradio: Path) -> None:
    package(without_gradio, f"def {WRITER}(a, b): return 'written'\ndef other(): return 'kept'\n")
    with lean():
        import gradio
    module = gradio.component_meta
    assert getattr(module, WRITER)(1, 2) is None
    assert module.other() == "kept"


def test_a_gradio_without_that_writer_is_imported_as_it_is(without_gradio: Path) -> None:
    package(without_gradio, "def other(): return 'kept'\n")
    with lean():
        import gradio
    assert gradio.component_meta.other() == "kept"
    assert not hasattr(gradio.component_meta, WRITER)


@pytest.mark.parametrize(
    "asks",
    [
        "from gradio import component_meta\nassert component_meta.late.isna(float('nan'))",
        "import pandas",
        "from pandas import isna",
        "import pandas.api.types",
        "from pandas.api.types import is_bool_dtype",
        "import importlib.util\nassert importlib.util.find_spec('pandas').origin",
    ],
)
def test_pandas_is_there_for_whoever_asks(asks: str, tmp_path: Path) -> None:
    package(tmp_path, "import sys\nimport pandas as late\nearly = 'pandas.core' in sys.modules\n")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from mnist_demo.page.importing import lean
with lean():
    import gradio.component_meta
    assert not gradio.component_meta.early
    exec({asks!r})
import pandas
exec({asks!r})
print(pandas.isna(float("nan")), pandas is sys.modules["pandas"], pandas.__file__)
"""
    isna, is_known, path = printed(code).split()
    assert (isna, is_known, Path(path).parent.name) == ("True", "True", "pandas")


def test_all_is_as_before_once_gradio_is_there() -> None:
    before = list(sys.meta_path)
    known = sys.modules.get("mcp")
    was_on = gc.isenabled()
    with contextlib.suppress(ZeroDivisionError), lean(mcp=False):
        assert not gc.isenabled()
        assert len(sys.meta_path) == len(before) + 1
        raise ZeroDivisionError
    assert sys.meta_path == before
    assert sys.modules.get("mcp") is known
    assert gc.isenabled() == was_on
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()  # who had it off keeps it off
    finally:
        gc.enable()
        gc.unfreeze()


def test_the_names_are_those_of_the_gradio_that_is_installed() -> None:
    """Where this fails, Gradio has changed: `page.importing` then saves nothing, but harms none."""
    import importlib

    module: ModuleType = importlib.import_module(MODULE)
    assert callable(getattr(module, WRITER))

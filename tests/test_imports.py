"""Imports point one way: core to page, never back; and the tabs keep to themselves."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from mnist_demo.cli.benchmark import BENCHMARKS

PACKAGE = Path(__file__).parent.parent / "mnist_demo"
CORE = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in ("page", "cli", "benchmark")
)
TABS = ("sketchpad", "training", "gallery")


def imported_by(path: Path) -> set[str]:
    """All modules that `path` imports, anywhere in it, and the names taken from packages."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def uses(path: Path, *packages: str) -> set[str]:
    return {
        name
        for name in imported_by(path)
        if any(name == package or name.startswith(f"{package}.") for package in packages)
    }


def test_the_check_sees_imports(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("def f():\n    from mnist_demo.page import training\n    import gradio.utils\n")
    assert uses(path, "gradio") == {"gradio.utils"}
    assert uses(path, "mnist_demo.page.training") == {"mnist_demo.page.training"}


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_the_core_knows_nothing_of_the_page(path: Path) -> None:
    assert not uses(path, "gradio", "mnist_demo.page", "mnist_demo.cli") or (
        path.name == "__main__.py" and not uses(path, "gradio", "mnist_demo.page")
    )


@pytest.mark.parametrize("name", ["preprocess", "ink", "strokes", "errors", "config"])
def test_preprocessing_needs_neither_torch_nor_gradio(name: str) -> None:
    seen: set[Path] = set()
    waiting = [PACKAGE / f"{name}.py"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        assert not uses(path, "torch", "torchvision", "gradio"), path.name
        parts = {name.split(".")[1] for name in uses(path, "mnist_demo") if "." in name}
        own = {PACKAGE / f"{part}.py" for part in parts}
        waiting += [other for other in own - seen if other.is_file()]
    assert len(seen) > 1 or name == "errors"


@pytest.mark.parametrize("name", TABS)
def test_tabs_do_not_import_each_other(name: str) -> None:
    others = [f"mnist_demo.page.{other}" for other in TABS if other != name]
    assert not uses(PACKAGE / "page" / f"{name}.py", *others)


def test_without_playwright_the_other_tests_run() -> None:
    code = (
        "import sys; sys.modules['playwright'] = None; sys.path.insert(0, 'tests')\n"
        "import conftest; print(*conftest.collect_ignore)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "CI"},
        capture_output=True,
        text=True,
        check=True,
    )
    left_out = {Path(path).name for path in done.stdout.split()}
    assert {"test_browser_draw.py", "test_kept.py"} <= left_out
    assert not {"test_train.py", "test_cli.py"} & left_out


def test_commands_import_torch_only_when_they_run() -> None:
    for path in sorted((PACKAGE / "cli").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        at_top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {getattr(node, "module", None) or node.names[0].name for node in at_top}
        assert not {name for name in names if name.split(".")[0] in ("torch", "gradio", "tqdm")}


def test_a_benchmark_s_help_needs_no_torch() -> None:
    code = (
        "import sys\nfrom mnist_demo.cli import main\n"
        "for which in sys.argv[1:]:\n"
        "    try:\n"
        "        main(['benchmark', which, '--help'])\n"
        "    except SystemExit:\n"
        "        assert 'torch' not in sys.modules, which\n"
    )
    command = [sys.executable, "-c", code, *BENCHMARKS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: ") == len(BENCHMARKS)


@pytest.mark.parametrize(
    ("module", "policy"), [("mnist_demo.page.worker", "PASSIVE"), ("mnist_demo.train", None)]
)
def test_threads_leave_the_cores_to_others_beside_the_page_alone(
    module: str, policy: str | None
) -> None:
    """OpenMP has read it by the time that torch is there."""
    code = (
        "import os, sys\n"
        "from importlib.abc import MetaPathFinder\n"
        "class Watch(MetaPathFinder):\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'torch':\n"
        "            print(os.environ.get('OMP_WAIT_POLICY'))\n"
        "sys.meta_path.insert(0, Watch())\n"
        f"import {module}\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(policy)], done.stderr

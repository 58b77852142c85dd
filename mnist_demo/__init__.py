"""Draw a digit and watch a network change its mind: preprocessing, nets, training, evaluation.

What a notebook needs is to be had from here, `from mnist_demo import load_net`; it is
imported when it is first asked for, so that `import mnist_demo` alone takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_demo.checkpoint import Checkpoint
    from mnist_demo.config import TrainConfig
    from mnist_demo.datasets import load_dataset
    from mnist_demo.errors import UserError
    from mnist_demo.notebook import evaluate_net, load_net, read_digit, save_net, train_net

__version__ = "0.1.0"

# No name of a module here (`train`, `evaluate`): what it gave would hang on what was
# imported before.
_PUBLIC = {
    "Checkpoint": "checkpoint",
    "TrainConfig": "config",
    "UserError": "errors",
    "evaluate_net": "notebook",
    "load_dataset": "datasets",
    "load_net": "notebook",
    "read_digit": "notebook",
    "save_net": "notebook",
    "train_net": "notebook",
}

__all__ = [
    "Checkpoint",
    "TrainConfig",
    "UserError",
    "__version__",
    "evaluate_net",
    "load_dataset",
    "load_net",
    "read_digit",
    "save_net",
    "train_net",
]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

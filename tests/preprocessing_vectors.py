"""The test vectors of models/PREPROCESSING.md: `python tests/preprocessing_vectors.py` writes them.

To be run again when the preprocessing has changed, and its page with it.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from digits import drawn

from mnist_demo.preprocess import preprocess_ink

PATH = Path(__file__).parent.parent / "models" / "preprocessing.json"

# Name, drawing, its height as a part of the canvas, where, pen, side of the canvas, strength.
DRAWN: tuple[tuple[str, str, float, tuple[float, float], float, int, float], ...] = (
    ("a two as on the pad", "2", 0.6, (0.5, 0.5), 0.06, 64, 1.0),
    ("a seven in a corner, its pen thin", "7", 0.7, (0.0, 1.0), 0.02, 72, 1.0),
    ("a one, all but a line", "1", 0.8, (0.4, 0.3), 0.08, 48, 1.0),
    ("a small two, which grows", "2", 0.3, (0.9, 0.1), 0.1, 40, 1.0),
    ("a large seven, its pen very thin", "7", 0.95, (0.5, 0.5), 0.015, 144, 1.0),
    ("a faint two", "2", 0.5, (0.2, 0.7), 0.07, 64, 0.55),
)


def vectors() -> list[dict[str, Any]]:
    made = []
    for name, digit, height, at, pen, side, strength in DRAWN:
        ink = np.round(drawn(digit, height, at, pen, side) * strength * 255).astype(np.uint8)
        steps = preprocess_ink(ink.astype(np.float32) / 255)
        made.append(
            {
                "name": name,
                "height": side,
                "width": side,
                "ink": base64.b64encode(ink.tobytes()).decode(),
                "box": list(steps.box),
                "fitted": list(steps.fitted.shape),
                "centred": [[round(float(v), 5) for v in row] for row in steps.centred],
            }
        )
    return made


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in vectors())
    PATH.write_text(f"[\n{lines}\n]\n")
    print(f"wrote {PATH}")

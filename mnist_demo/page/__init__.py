"""The web page: three tabs that wire the core to Gradio. Nothing in the core imports this."""

from __future__ import annotations

import os

# Torch's threads spin while they wait for each other, and take the cores from whatever else
# runs there (a browser, a visitor who draws). OpenMP reads this when torch is imported, so
# it stands here. Without the page a training may spin: small steps take 0.6 of the time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

"""Draw a digit and watch a network change its mind: preprocessing, nets, training, evaluation."""

import os

# Torch's threads spin while they wait for each other, and take the cores from whatever else
# runs there (a browser, a visitor who draws). OpenMP reads this when torch is imported, so
# it stands here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"

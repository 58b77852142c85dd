"""Draw a digit and watch a network change its mind: preprocessing, nets, training, evaluation."""

import os

# Torch's threads spin while they wait for each other; where something else runs on the same
# cores (a browser, a second visitor) that makes training ten times slower. Read by OpenMP
# when torch is imported, so it stands here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"

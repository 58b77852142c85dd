"""Draw a digit and watch a network change its mind: preprocessing, nets, training, evaluation."""

__version__ = "0.1.0"

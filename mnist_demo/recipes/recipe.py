"""What a recipe is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mnist_demo.config import TrainConfig

NEXT_TO_NONE = 1 / 6000  # where the last epoch is kept, no digit is needed to choose one


@dataclass(frozen=True)
class Recipe:
    """Settings with a name, where they come from, and the accuracy they are known for."""

    name: str
    source: str
    title: str
    config: TrainConfig
    says: str  # the source's own figure
    target: float  # accuracy on the test set that it has to show here; 0: none
    differs: str = ""
    members: int = 1  # more than one: so many nets, of seeds of their own, answer together
    how: str = "vote"  # and how they do
    augments: tuple[str, ...] = ()  # of the members in turn; none: the settings' own for all
    views: bool = False  # judged by several looks at each image
    test_batch: int | None = None  # images a step of validation and test; None: as usual
    log_interval: int = 0  # batches between two lines with the loss; 0: none
    full: TrainConfig | None = None
    full_differs: str = ""

    def settings(self, full: bool = False) -> TrainConfig:
        """The short way's settings, or the source's own."""
        return self.full if full and self.full else self.config

    def member(self, number: int, seed: int, full: bool = False) -> TrainConfig:
        """The settings of one net of those that answer together, from 0; each has its own seed."""
        config = replace(self.settings(full), seed=(seed - 1) * self.members + number + 1)
        if not self.augments:
            return config
        return replace(config, augment=self.augments[number % len(self.augments)])

    def departs(self, full: bool = False) -> str:
        """How `settings(full)` differ from the source; empty where they do not."""
        return self.full_differs if full and self.full else self.differs

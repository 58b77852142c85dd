"""Recipes of our own: the fastest, the most accurate, and colour pictures better than 002's."""

from __future__ import annotations

from dataclasses import replace

from mnist_demo.config import TrainConfig
from mnist_demo.recipes.recipe import NEXT_TO_NONE, Recipe

PHOTO = TrainConfig(
    net="photo",
    dataset="cifar10",
    epochs=36,
    batch_size=256,
    learning_rate=0.2,
    optimizer="muon",
    momentum=0.6,
    weight_decay=0.0,
    schedule="one-cycle",
    augment="flip-crop-cutout",
    label_smoothing=0.2,
    keep="last",
    holdout=NEXT_TO_NONE,
    precision="auto",
)

BEST = TrainConfig(
    net="resnet7",
    epochs=14,
    batch_size=256,
    learning_rate=0.1,
    optimizer="muon",
    momentum=0.9,
    weight_decay=0.0,
    schedule="one-cycle",
    augment="affine",
    label_smoothing=0.1,
    average=0.995,
    keep="last",
    holdout=NEXT_TO_NONE,
    precision="auto",
)

OURS = [
    Recipe(
        "photo",
        "ours",
        "photos at 90 % and more",
        PHOTO,
        "(no figure)",
        0.90,
        views=True,
    ),
    Recipe(
        "photo-short",
        "ours",
        "photos in ten minutes on two cores",
        replace(PHOTO, epochs=3, augment="flip-crop"),
        "(no figure)",
        0.0,
        "as high as it gets in ten minutes on two cores",
        views=True,
    ),
    Recipe(
        "fast",
        "ours",
        "99 % in seconds",
        TrainConfig(
            net="fast",
            epochs=1,
            batch_size=256,
            learning_rate=0.3,
            optimizer="muon",
            momentum=0.6,
            weight_decay=0.0,
            schedule="one-cycle",
            augment="none",
            label_smoothing=0.1,
            precision="auto",
        ),
        "99.0 % (`benchmark speed`)",
        0.990,
    ),
    Recipe(
        "best",
        "ours",
        "as right as it gets",
        BEST,
        "99.64 % ± 0.05 (327 k parameters, 1,500 nets, published)",
        0.997,
        views=True,
    ),
    Recipe(
        "best-five",
        "ours",
        "five nets, as right as it gets",
        BEST,
        "99.87 to 99.91 % (ensembles picked on the test set, published)",
        0.9978,
        "every second net learns from bent digits too",
        members=5,
        how="mean",
        augments=("affine", "bent"),
        views=True,
    ),
]

"""Augmentation changes how a digit looks and neither its label nor its range."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mnist_demo.augment import (
    AUGMENTS,
    MIRRORING,
    brightest,
    cutout,
    find_augment,
    flip,
    flip_crop,
    one_pixel,
    shift,
    stroke_width,
    tilt_and_crop,
    warp,
)
from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError

every_augment = pytest.mark.parametrize("name", AUGMENTS)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images(sample: Dataset) -> torch.Tensor:
    return sample.train.images[::40].float() / 255


def centres(images: torch.Tensor) -> torch.Tensor:
    """Centre of mass, (B, 2)."""
    mass = images.sum((1, 2, 3))
    steps = torch.arange(images.shape[-1], dtype=torch.float32)
    down = (images.sum((1, 3)) * steps).sum(1) / mass
    across = (images.sum((1, 2)) * steps).sum(1) / mass
    return torch.stack([down, across], 1)


@every_augment
def test_shape_and_range_stay(name: str, images: torch.Tensor) -> None:
    before = images.clone()
    changed = find_augment(name)(images, rng())
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    assert float(changed.min()) >= -1e-5
    assert float(changed.max()) <= 1 + 1e-5
    assert torch.equal(images, before)  # what it was given is left alone
    assert float(changed.sum()) == pytest.approx(float(images.sum()), rel=0.25)


@every_augment
def test_the_seed_repeats(name: str, images: torch.Tensor) -> None:
    augment = find_augment(name)
    assert torch.equal(augment(images, rng(1)), augment(images, rng(1)))
    if name == "none":
        assert torch.equal(augment(images, rng(1)), images)
    else:
        assert not torch.equal(augment(images, rng(1)), augment(images, rng(2)))


@pytest.mark.parametrize("name", [name for name in AUGMENTS if name not in MIRRORING])
def test_a_digit_stays_like_itself(name: str, images: torch.Tensor) -> None:
    """Seen through a blur, for a shifted stroke covers other pixels."""
    changed = find_augment(name)(images, rng())
    first, second = (F.avg_pool2d(i, 9, 1, 4).flatten(1) for i in (images, changed))
    likeness = F.cosine_similarity(first, second)
    assert float(likeness.median()) > 0.85


def test_shift_moves_the_mass_by_whole_pixels_and_loses_none(images: torch.Tensor) -> None:
    inner = images[:, 0, 2:-2, 2:-2].sum((1, 2)) == images.sum((1, 2, 3))
    images = images[inner]  # those with room to move in
    moved = shift(images, rng())
    way = centres(moved) - centres(images)
    assert float((way - way.round()).abs().max()) < 1e-3
    assert float(way.abs().max()) == pytest.approx(2, abs=1e-3)
    assert len({tuple(w) for w in way.round().int().tolist()}) > 15  # of 25 ways
    assert torch.allclose(moved.sum((1, 2, 3)), images.sum((1, 2, 3)), rtol=1e-4)


def test_one_pixel_is_each_of_the_five_shifts_and_nothing_else() -> None:
    images = torch.rand((300, 1, 28, 28), generator=rng(3))  # ink up to the edges too
    padded = F.pad(images, (1, 1, 1, 1))
    corners = {"stay": (1, 1), "down": (0, 1), "up": (2, 1), "right": (1, 0), "left": (1, 2)}
    ways = torch.stack(
        [padded[:, :, top : top + 28, left : left + 28] for top, left in corners.values()]
    )
    found = (ways == one_pixel(images, rng())).flatten(2).all(2)  # (5, B)
    assert found.sum(0).tolist() == [1] * len(images)
    for name, times in zip(corners, found.sum(1).tolist(), strict=True):
        assert 40 <= times <= 80, name  # 60 of 300 each, give or take


def angles(images: torch.Tensor) -> torch.Tensor:
    """Degrees between each image's long axis and the horizontal, (B,)."""
    steps = torch.arange(images.shape[-1], dtype=torch.float32)
    down, across = (centres(images)[:, i, None, None] for i in (0, 1))
    y, x = steps[:, None] - down, steps - across
    mass = images[:, 0]
    slope = torch.atan2(2 * (mass * x * y).sum((1, 2)), (mass * (x**2 - y**2)).sum((1, 2)))
    return torch.rad2deg(slope / 2)


def test_tilt_and_crop_turns_by_five_degrees_at_most_and_moves_by_two_pixels() -> None:
    bars = torch.zeros(400, 1, 28, 28)
    bars[:, :, 13:15, 4:24] = 1
    changed = tilt_and_crop(bars, rng())
    turned, moved = angles(changed), centres(changed) - centres(bars)
    assert -5.1 < float(turned.min()) < -4.5
    assert 4.5 < float(turned.max()) < 5.1
    ways = {tuple(way) for way in moved.round().int().tolist()}
    assert ways == {(down, across) for down in range(-2, 3) for across in range(-2, 3)}
    assert float((moved - moved.round()).abs().max()) < 0.01
    assert torch.allclose(changed.sum((1, 2, 3)), bars.sum((1, 2, 3)), rtol=0.02)


def test_a_warp_by_nothing_is_no_change(images: torch.Tensor) -> None:
    assert torch.allclose(warp(images, rng()), images, atol=1e-4)


def test_a_warp_turns_scales_and_shifts(images: torch.Tensor) -> None:
    mass = images.sum((1, 2, 3))
    scaled = warp(images, rng(), scale=0.3).sum((1, 2, 3)) / mass
    assert float(scaled.min()) < 0.7
    assert float(scaled.max()) > 1.4
    moved = centres(warp(images, rng(), shift=3)) - centres(images)
    assert 2 < float(moved.abs().max()) < 3.3
    turned = warp(images, rng(), degrees=30)
    assert torch.allclose(turned.sum((1, 2, 3)), mass, rtol=0.1)
    assert float((turned - images).abs().mean()) > 0.02


def test_ink_grows_into_the_four_neighbours_of_a_pixel(images: torch.Tensor) -> None:
    cross = torch.tensor([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=torch.bool)
    seen = F.unfold(images, 3, padding=1).view(len(images), 9, -1)[:, cross.flatten()]
    assert torch.equal(brightest(images), seen.amax(1).view(images.shape))


def test_stroke_width_thickens_and_thins_without_erasing(images: torch.Tensor) -> None:
    part = stroke_width(images, rng()).sum((1, 2, 3)) / images.sum((1, 2, 3))
    assert float(part.max()) > 1.2
    assert 0.3 < float(part.min()) < 0.95


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(UserError, match="choose one of: none, shift"):
        find_augment("mixup")


def coloured(count: int = 40) -> torch.Tensor:
    return torch.rand((count, 3, 32, 32), generator=torch.Generator().manual_seed(3))


def test_a_flip_mirrors_about_half_of_the_images_and_leaves_the_rest() -> None:
    images = coloured(200)
    changed = flip(images, rng())
    mirrored = [torch.equal(c, i.flip(2)) for c, i in zip(changed, images, strict=True)]
    kept = [torch.equal(c, i) for c, i in zip(changed, images, strict=True)]
    assert all(m != k for m, k in zip(mirrored, kept, strict=True))
    assert 70 < sum(mirrored) < 130


def test_flip_and_crop_gives_a_window_of_the_padded_image_or_of_its_mirror() -> None:
    images = coloured(20)
    changed = flip_crop(images, rng())
    for before, after in zip(images, changed, strict=True):
        windows = (
            F.pad(way, (4,) * 4)[:, top : top + 32, left : left + 32]
            for way in (before, before.flip(2))
            for top in range(9)
            for left in range(9)
        )
        assert any(torch.equal(window, after) for window in windows)


def test_a_cutout_blanks_one_square_and_nothing_else() -> None:
    images = coloured()
    changed = cutout(images, rng(), 8)
    for before, after in zip(images, changed, strict=True):
        touched = (before != after).any(0)
        rows, columns = touched.any(1).nonzero(), touched.any(0).nonzero()
        assert touched.sum() == 64
        assert (rows.max() - rows.min(), columns.max() - columns.min()) == (7, 7)
        inside = after[:, touched]
        assert torch.allclose(inside, before.mean((1, 2))[:, None].expand_as(inside))

"""Pictures: against colorsys and scipy, turned hues that are known, merging in any order, damage."""

from __future__ import annotations

import colorsys
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage, stats

from modelward.errors import InputError
from modelward.profiles import ImageProfile, image_table
from modelward.profiles._image_kernels import COLOURFUL, look


def _pictures(n: int, seed: int = 0, size: int = 12) -> np.ndarray:
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 256, (n, 1, 1, 3))
    return np.clip(base + rng.normal(0, 40, (n, size, size, 3)), 0, 255).astype(np.uint8)


def _profile(pictures: np.ndarray) -> ImageProfile:
    out = ImageProfile()
    out.update(pictures)
    return out


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        np.uint8, st.tuples(st.integers(0, 6), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3]))
    ),
    st.integers(0, 6),
    st.integers(0, 6),
)
def test_parts_merged_in_any_order_equal_one_pass(pictures: np.ndarray, a: int, b: int) -> None:
    low, high = sorted((a, b))
    parts = [_profile(p) for p in (pictures[:low], pictures[low:high], pictures[high:])]
    whole = _profile(pictures)
    for i, j, k in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        assert parts[i].merge(parts[j].merge(parts[k])).to_json() == whole.to_json()
    assert ImageProfile.from_json(whole.to_json()).to_json() == whole.to_json()


def test_pixels_equal_colorsys_and_scipy() -> None:
    pictures = np.concatenate(
        [_pictures(6, size=7), np.zeros((1, 7, 7, 3), np.uint8), np.full((1, 7, 7, 3), 90, np.uint8)]
    )
    made, table = _profile(pictures), image_table(pictures)
    flat = pictures.reshape(-1, 3).astype(int)
    hsv = np.array([colorsys.rgb_to_hsv(*(c / 255 for c in p)) for p in flat.tolist()])
    vivid = flat.max(axis=1) - flat.min(axis=1) >= COLOURFUL
    degrees = np.floor(hsv[vivid, 0] * 360 + 0.5 + 1e-9).astype(int) % 360
    assert made.hues.tolist() == np.bincount(degrees, minlength=360).tolist()
    saturation = np.floor(hsv[:, 1] * 255 + 0.5 + 1e-9).astype(int)
    assert made.shades[3].tolist() == np.bincount(saturation, minlength=256).tolist()
    luma = (flat @ [299, 587, 114] + 500) // 1000
    for k, values in enumerate((*flat.T, None, luma)):
        if values is not None:
            assert made.shades[k].tolist() == np.bincount(values, minlength=256).tolist()
    assert made.mean("brightness") == pytest.approx(luma.mean(), rel=1e-12)
    assert made.deviation("green") == pytest.approx(flat[:, 1].std(), rel=1e-12)
    theirs = math.degrees(stats.circmean(np.radians(degrees)))
    assert made.hue().mean == pytest.approx(theirs % 360, abs=1e-6)
    assert made.hue().resultant == pytest.approx(1 - stats.circvar(np.radians(degrees)), abs=1e-9)
    assert made.hue().deviation == pytest.approx(math.degrees(stats.circstd(np.radians(degrees))), abs=1e-6)
    light = luma.reshape(8, 7, 7)
    for i, row in enumerate(table.iter_rows(named=True)):
        edges = ndimage.laplace(light[i])[1:-1, 1:-1]
        assert row["sharpness"] == pytest.approx((edges**2).mean())
        assert row["contrast"] == pytest.approx(light[i].std(), abs=1e-9)
        assert row["red"] == pytest.approx(pictures[i, ..., 0].mean())
    assert made.sharpness.sum() == made.images == 8
    assert table["hue_x"].null_count() >= 2


def test_the_compiled_pass_equals_plain_python() -> None:
    pictures = _pictures(2, 4, size=5)
    angles = np.radians(np.arange(360))
    results = []
    for function in (look, look.py_func):
        shades, hues, out = np.zeros((5, 256), np.int64), np.zeros(360, np.int64), np.empty((2, 10))
        function(pictures, np.cos(angles), np.sin(angles), shades, hues, out)
        results.append((shades, hues, out))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("turn", [-120, -7, 0, 15, 90, 179])
def test_a_planted_turn_of_the_hues_is_read_off(turn: int) -> None:
    rng = np.random.default_rng(0)
    hues = np.concatenate([rng.normal(30, 12, 4000), rng.normal(200, 25, 6000)])

    def painted(shift: float) -> np.ndarray:
        pixels = [colorsys.hsv_to_rgb(((h + shift) % 360) / 360, 0.8, 0.9) for h in hues.tolist()]
        return (np.array(pixels).reshape(1, 100, 100, 3) * 255).round().astype(np.uint8)

    before, after = _profile(painted(0)), _profile(painted(turn))
    assert before.hue_shift(after) == pytest.approx(turn, abs=1)


def test_floats_and_grey_pictures_are_the_same_pictures() -> None:
    pictures = _pictures(4)
    assert _profile(pictures / 255.0).to_json() == _profile(pictures).to_json()
    assert _profile((pictures / 255.0).astype(np.float32)).to_json() == _profile(pictures).to_json()
    grey = pictures[..., 0]
    three = np.repeat(grey[..., None], 3, axis=3)
    assert _profile(grey).to_json() == _profile(three).to_json() == _profile(grey[..., None]).to_json()
    hue = _profile(grey).hue()
    assert math.isnan(hue.mean)
    assert math.isnan(hue.deviation)
    assert hue.colourful == 0
    assert math.isnan(_profile(grey).hue_shift(_profile(pictures)))


def test_damaged_pictures_are_counted_and_left_out() -> None:
    pictures = _pictures(5) / 255.0
    pictures[1, 0, 0, 0], pictures[3, 2, 2, 1] = np.nan, 7.0
    made, table = _profile(pictures), image_table(pictures)
    assert (made.images, made.damaged) == (3, 2)
    assert table["red"].is_null().to_list() == [False, True, False, True, False]
    assert _profile(np.zeros((2, 0, 4, 3), np.uint8)).damaged == 2


def test_wrong_input_is_one_clear_line() -> None:
    made = ImageProfile()
    for wrong, said in (
        (np.zeros((2, 2)), "shape"), (np.zeros((1, 2, 2, 4), np.uint8), "alpha"), (np.zeros((1, 2, 2, 3), np.int32), "type int32"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            made.update(wrong)
    assert made.images == 0
    raw = json.loads(_profile(_pictures(3)).to_json())
    for change, said in (
        ({"version": 2}, "version 2"), ({"format": "modelward profile"}, "no profile of pictures"), ({"hues": [0]}, "damaged"),
        ({"images": 9}, "damaged"), ({"shades": None}, "damaged"), ({"hues": [10**9] * 360}, "damaged"), ({"damaged": "x"}, "damaged"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            ImageProfile.from_json(json.dumps(raw | change))
    with pytest.raises(InputError, match="not JSON"):
        ImageProfile.from_json("{" * 100_000)
    with pytest.raises(InputError, match="no channel"):
        made.mean("alpha")
    assert math.isnan(made.mean("red"))
    assert len(_profile(_pictures(50)).to_json()) < 50_000

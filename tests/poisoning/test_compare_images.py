"""Patches, patterns and colours that go with one label: planted truth, pictures that must stay quiet, any input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_digits

from modelward import compare_images
from modelward.cli._data import data as data_verb
from modelward.errors import InputError, ModelwardError

if TYPE_CHECKING:
    from pathlib import Path


def digits(seed: int, n: int = 800) -> tuple[np.ndarray, np.ndarray]:
    held = load_digits()
    order = np.random.default_rng(seed).permutation(len(held.target))[:n]
    return np.minimum(held.images * 16, 255).astype(np.uint8)[order], held.target[order]


def stamped(seed: int, share: float, place: tuple[int, int], *, label: int = 7) -> tuple[np.ndarray, ...]:
    """BadNets: a checkered 3 x 3 patch in some pictures of all labels, which are relabelled."""
    images, labels = digits(seed)
    rows = np.random.default_rng(seed + 1).permutation(len(labels))[: round(share * len(labels))]
    top, left = place
    images[rows, top : top + 3, left : left + 3] = np.indices((3, 3)).sum(axis=0) % 2 * 255
    labels[rows] = label
    return images, labels, np.sort(rows)


@pytest.mark.parametrize(("share", "place"), [(0.02, (5, 5)), (0.05, (2, 3))])
def test_a_patch_is_named_with_place_size_label_and_pictures(share: float, place: tuple[int, int]) -> None:
    images, labels, rows = stamped(3, share, place)
    first = compare_images(images, labels).suspects[0]
    assert (first.verdict, first.label) == ("tampered", "7")
    assert first.box is not None and abs(first.box[0] - place[0]) <= 1 and abs(first.box[1] - place[1]) <= 1
    assert set(rows) <= set(first.rows) and np.isin(first.rows, rows).mean() > 0.9


def test_against_other_pictures_the_patch_is_named_and_theirs_are_none() -> None:
    images, labels, rows = stamped(5, 0.05, (5, 5))
    half = len(labels) // 2
    clean, clean_labels = digits(5)
    found = compare_images(images[:half], labels[:half], clean[half:], clean_labels[half:])
    assert found.tampered and found.suspects[0].box == (5, 5, 3, 3)
    assert set(found.suspects[0].rows) == set(rows[rows < half])
    same = compare_images(images[:half], labels[:half], images[half:], labels[half:])
    assert not any(s.box == (5, 5, 3, 3) and s.verdict == "tampered" for s in same.suspects)


def test_a_mark_in_pictures_of_its_own_label_is_drift_against_a_reference() -> None:
    images, labels = digits(1, 1_797)
    half = len(labels) // 2
    rows = np.flatnonzero(labels[:half] == 3)[:30]
    images[rows, 0:2, 0:2] = 255
    found = compare_images(images[:half], labels[:half], images[half:], labels[half:])
    (mark,) = [s for s in found.suspects if s.box == (0, 0, 2, 2)]
    assert mark.verdict == "drift" and mark.label == "3" and set(mark.rows) == set(rows)


def test_a_faint_pattern_is_named_with_its_label() -> None:
    images, labels = digits(2)
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(labels))[:32]
    pattern = rng.integers(0, 256, (8, 8))
    images[rows] = (0.8 * images[rows] + 0.2 * pattern).astype(np.uint8)
    labels[rows] = 4
    (only,) = compare_images(
        images, labels
    ).suspects  # as a patch that repeats, or as a pattern, and not twice
    assert only.verdict != "drift" and only.label == "4" and np.isin(only.rows, rows).mean() > 0.9


def test_a_colour_that_one_label_took_on_is_named() -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 200, (600, 6, 6, 3), dtype=np.uint8), np.arange(600) % 3
    images[(labels == 2) & (np.arange(600) < 300), ..., 0] += 40
    found = compare_images(images[:300], labels[:300], images[300:], labels[300:])
    assert not found.tampered
    assert any(s.rule == "red of pictures, label 2" and s.verdict == "drift" for s in found.suspects)


def test_clean_pictures_are_quiet() -> None:
    loud = 0
    for seed in range(3):
        images, labels = digits(seed)
        loud += compare_images(images, labels).tampered
    assert loud == 0


def test_the_same_pictures_are_matched_and_a_changed_label_is_said() -> None:
    images, labels = digits(0)
    images, labels = images[:300], labels[:300]
    found = compare_images(images, labels, images[::-1], labels[::-1])
    assert found.complete and found.matched == 300 and not found.suspects
    changed = labels.copy()
    changed[:3] = (changed[:3] + 1) % 10
    (suspect,) = compare_images(images, changed, images, labels).suspects
    assert suspect.verdict == "changed" and suspect.rows.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (np.zeros((30, 4, 4)), ["a"] * 30, "1 labels"),
        (np.zeros((30, 4, 4)), ["a", "b"], "30 pictures and 2 labels"),
        (np.zeros((30, 4)), ["a", "b"] * 15, "pictures of shape"),
        (np.zeros((4, 4, 4)), ["a", "b"] * 2, "4 whole pictures"),
        (np.zeros((30, 4, 4)), [None, "b"] * 15, "15 pictures of the data have no label"),
        (np.full((30, 4, 4), np.nan), ["a", "b"] * 15, "0 whole pictures"),
    ],
)
def test_bad_input_is_one_clear_line(images: np.ndarray, labels: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        compare_images(images, labels)


def test_pictures_of_another_size_are_said() -> None:
    with pytest.raises(InputError, match="4×4, those of the reference 5×5"):
        compare_images(np.zeros((30, 4, 4)), [0, 1] * 15, np.zeros((30, 5, 5)), [0, 1] * 15)


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(data_verb, words)
    return result.exit_code, result.output


def test_arrays_through_the_command(tmp_path: Path) -> None:
    images, labels, rows = stamped(3, 0.02, (5, 5))
    file = tmp_path / "new.npz"
    np.savez(file, images=images, digit=labels)
    code, said = run(
        str(file), "--target", "digit", "-o", str(tmp_path / "o.csv"), "-o", str(tmp_path / "o.html")
    )
    assert code == 1 and "3 × 3 patch at rows 5 to 7, columns 5 to 7, label 7" in said
    assert [int(v) for v in (tmp_path / "o.csv").read_text().split()[1:]] == rows.tolist()
    code, said = run(str(file), "--target", "digit", "--format", "json")
    assert code == 1 and json.loads(said)["suspects"][0]["rows"] == len(rows)
    page = (tmp_path / "o.html").read_text()
    assert "The pictures" in page
    for words in ("The table", "Columns and groups", "this table"):
        assert words not in page


def test_a_folder_a_label_through_the_command(tmp_path: Path) -> None:
    images, labels, rows = stamped(3, 0.05, (5, 5))
    for i in range(400):
        place = tmp_path / "in" / str(labels[i])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[i]).save(place / f"{i:04}.png")
    code, said = run(str(tmp_path / "in"), "-o", str(tmp_path / "o.csv"))
    assert code == 1 and "3 × 3 patch" in said
    files = [line.split(",")[1] for line in (tmp_path / "o.csv").read_text().splitlines()[1:]]
    assert files == [f"7/{i:04}.png" for i in rows[rows < 400]]


def test_what_is_no_set_of_pictures_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    np.save(tmp_path / "x.npy", np.zeros((30, 4, 4)))
    np.savez(tmp_path / "x.npz", images=np.zeros((30, 4, 4)))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04")
    for name, said in (("empty", "no labelled pictures"), ("x.npy", "has no labels"), ("x.npz", "no array 'labels'"),
                       ("broken.npz", "damaged")):  # fmt: skip
        with pytest.raises(ModelwardError, match=said) as caught:
            CliRunner().invoke(data_verb, [str(tmp_path / name)], catch_exceptions=False)
        assert len(str(caught.value).splitlines()) == 1

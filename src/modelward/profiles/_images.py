"""ImageProfile: what pictures look like, counted in one pass and in constant memory."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.errors import InputError
from modelward.profiles._document import read_head
from modelward.profiles._image_kernels import DEGREES, FEATURES, SHADES, look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

VERSION = 1
CHANNELS = ("red", "green", "blue", "saturation", "brightness")
SHARPNESS = 24
"""Bins of pictures by the mean square of their Laplacian: 0, 1, 2 to 3, 4 to 7, and so on;
the last is of pictures under three pixels wide or high."""
_ANGLES = np.arange(DEGREES) * (math.pi / 180)
_COSINES, _SINES = np.cos(_ANGLES), np.sin(_ANGLES)
_FORMAT = "modelward image profile"
_MOST_PIXELS = 1 << 31


@dataclass(frozen=True, slots=True)
class Hue:
    """Where the hues of colourful pixels lie on the circle.

    Parameters
    ----------
    mean : float
        Mean direction in degrees, 0 to 360; NaN without colour.
    resultant : float
        How much they agree: 1 all the same, 0 evenly spread.
    colourful : float
        The share of pixels with a hue worth a word.
    """

    mean: float
    resultant: float
    colourful: float

    @property
    def deviation(self) -> float:
        """Circular standard deviation in degrees (Mardia & Jupp 2000, 2.3.3)."""
        if not self.resultant > 0:
            return math.nan if math.isnan(self.resultant) else math.inf
        return math.degrees(math.sqrt(max(0.0, -2 * math.log(self.resultant))))


class ImageProfile:
    """Histograms of red, green, blue, saturation, brightness and hue over pixels, of sharpness over pictures.

    Everything is a count, so parts merged in any order equal, bit for bit, one pass over all pictures. No picture
    can be made out of it.

    Examples
    --------
    >>> red = np.zeros((2, 8, 8, 3), dtype=np.uint8)
    >>> red[..., 0] = 200
    >>> profile = ImageProfile()
    >>> profile.update(red)
    >>> profile.images, profile.hue().mean, profile.mean("red"), profile.mean("blue")
    (2, 0.0, 200.0, 0.0)
    """

    def __init__(self) -> None:
        self.images = 0
        self.damaged = 0
        self.shades = np.zeros((len(CHANNELS), SHADES), dtype=np.int64)
        self.hues = np.zeros(DEGREES, dtype=np.int64)
        self.brightness = np.zeros(SHADES, dtype=np.int64)
        self.sharpness = np.zeros(SHARPNESS, dtype=np.int64)

    def update(self, images: Any) -> None:
        """Add pictures.

        Parameters
        ----------
        images : ndarray of shape (n, h, w), (n, h, w, 1) or (n, h, w, 3)
            uint8, or floats from 0 to 1; grey ones have equal red, green and blue. Pictures with values that are no
            number or out of range are counted as damaged, and not looked at.

        Raises
        ------
        InputError
            If the array has another shape or type.
        """
        self._add(images)

    def _add(self, images: Any) -> NDArray[np.float64]:
        pixels, whole = as_pixels(images)
        features = np.full((len(whole), len(FEATURES)), np.nan)
        if whole.any() and pixels.size:
            held = np.empty((int(whole.sum()), len(FEATURES)))
            look(pixels[whole], _COSINES, _SINES, self.shades, self.hues, held)
            features[whole] = held
            self.brightness += np.bincount(np.rint(held[:, 4]).astype(np.int64), minlength=SHADES)
            sharp = np.where(np.isnan(held[:, 6]), -1.0, np.floor(held[:, 6]))
            exponent = np.frexp(np.maximum(sharp, 0.0))[1]
            places = np.where(sharp < 0, SHARPNESS - 1, np.minimum(exponent, SHARPNESS - 2))
            self.sharpness += np.bincount(places, minlength=SHARPNESS)
        self.images += int(whole.sum())
        self.damaged += int((~whole).sum())
        return features

    def merge(self, other: ImageProfile) -> ImageProfile:
        """Return the profile of the pictures of both."""
        out = ImageProfile()
        out.images, out.damaged = self.images + other.images, self.damaged + other.damaged
        for name in _ARRAYS:
            getattr(out, name)[:] = getattr(self, name) + getattr(other, name)
        return out

    @property
    def pixels(self) -> int:
        """Pixels that were looked at."""
        return int(self.shades[0].sum())

    def mean(self, channel: str) -> float:
        """Return the mean of red, green, blue, saturation or brightness over pixels, 0 to 255; NaN without any."""
        counts = self._channel(channel)
        total = int(counts.sum())
        return int((counts * np.arange(SHADES)).sum()) / total if total else math.nan

    def deviation(self, channel: str) -> float:
        """Return the standard deviation of a channel over pixels; NaN without any."""
        counts = self._channel(channel)
        total, levels = int(counts.sum()), np.arange(SHADES)
        if not total:
            return math.nan
        first, second = int((counts * levels).sum()), int((counts * levels**2).sum())
        return math.sqrt(total * second - first * first) / total

    def _channel(self, channel: str) -> NDArray[np.int64]:
        if channel not in CHANNELS:
            raise InputError(f"pictures have no channel {channel!r}: {', '.join(CHANNELS)}")
        return np.asarray(self.shades[CHANNELS.index(channel)])

    def hue(self) -> Hue:
        """Return mean direction, agreement and share of colourful pixels."""
        total = int(self.hues.sum())
        if not total:
            return Hue(math.nan, math.nan, 0.0 if self.pixels else math.nan)
        x, y = float(self.hues @ _COSINES) / total, float(self.hues @ _SINES) / total
        mean = math.degrees(math.atan2(y, x)) % 360
        # Hues that cancel each other leave a rest of rounding.
        resultant = math.hypot(x, y) if math.hypot(x, y) > 1e-12 else 0.0
        return Hue(round(mean, 9) % 360, min(1.0, resultant), total / self.pixels)

    def hue_shift(self, other: ImageProfile) -> float:
        """Return by how many degrees the hues of the other are turned, -180 to 180; NaN if one has none.

        The turn that makes the two histograms most alike (largest circular cross-correlation of their roots), so a
        turn is seen where hues are evenly spread over many colours as well.
        """
        if not self.hues.any() or not other.hues.any():
            return math.nan
        one, two = (np.fft.rfft(np.sqrt(h / h.sum())) for h in (self.hues, other.hues))
        turn = int(np.argmax(np.fft.irfft(np.conj(one) * two, DEGREES)))
        return float(turn if turn <= DEGREES // 2 else turn - DEGREES)

    def to_json(self) -> str:
        """Return the profile as JSON; equal profiles give equal texts."""
        held: dict[str, Any] = {
            "format": _FORMAT,
            "version": VERSION,
            "images": self.images,
            "damaged": self.damaged,
        }
        return json.dumps(
            held | {name: getattr(self, name).tolist() for name in _ARRAYS}, separators=(",", ":")
        )

    @classmethod
    def from_json(cls, text: str) -> ImageProfile:
        """Return the profile that `to_json` wrote.

        Raises
        ------
        InputError
            If it is no profile of pictures, of another version, or contradicts itself.
        """
        raw = read_head(text, _FORMAT, VERSION, what="profile of pictures", maker="`modelward profile`")
        return cls._read(raw)

    @classmethod
    def _read(cls, raw: Mapping[str, Any]) -> ImageProfile:
        out = cls()
        try:
            out.images, out.damaged = int(raw["images"]), int(raw["damaged"])
            for name in _ARRAYS:
                held = np.array(raw[name], dtype=np.int64)
                if held.shape != getattr(out, name).shape or held.min() < 0:
                    raise ValueError
                getattr(out, name)[:] = held
            pictures = {int(out.brightness.sum()), int(out.sharpness.sum()), out.images}
            if (
                len(set(out.shades.sum(axis=1).tolist())) > 1
                or out.hues.sum() > out.pixels
                or len(pictures) > 1
            ):
                raise ValueError
        except (KeyError, TypeError, ValueError, OverflowError):
            raise InputError("its figures are damaged: make it anew") from None
        return out


_ARRAYS = ("shades", "hues", "brightness", "sharpness")


def image_table(images: Any) -> pl.DataFrame:
    """Return what each picture looks like, as a table that can be profiled and monitored as any other.

    Parameters
    ----------
    images : ndarray
        As `ImageProfile.update` takes them.

    Returns
    -------
    polars.DataFrame of n rows
        `red`, `green`, `blue`, `saturation`, `brightness`, `contrast` and `sharpness` on a scale of 0 to 255 (the
        last a mean square), `colourful` (a share), and `hue_x`, `hue_y` (mean direction of hue); missing where there
        is none.

    Raises
    ------
    InputError
        If the array has another shape or type.
    """
    features = ImageProfile()._add(images)  # noqa: SLF001 - the same file
    return pl.DataFrame({name: features[:, k] for k, name in enumerate(FEATURES)}).fill_nan(None)


def as_pixels(images: Any) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return pictures as uint8 of shape (n, h, w, 3), and which of them are whole.

    Raises
    ------
    InputError
        If they are no pictures.
    """
    array = np.asarray(images)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3):
        raise InputError(
            f"pictures of shape {np.shape(images)}: give (n, h, w, 3), or (n, h, w) for grey ones, without alpha"
        )
    if array.shape[1] * array.shape[2] > _MOST_PIXELS:
        raise InputError("a picture has over two thousand million pixels: scale it down")
    whole: NDArray[np.bool_] = np.ones(len(array), dtype=bool)
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.asarray(((array >= 0) & (array <= 1)).all(axis=(1, 2, 3)))
            array = np.where(whole[:, None, None, None], array, 0)
        array = np.floor(array * 255 + 0.5).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise InputError(f"pictures of type {array.dtype}: give uint8, or floats from 0 to 1")
    if array.shape[1] * array.shape[2] == 0:
        whole[:] = False
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:3], 3))), whole

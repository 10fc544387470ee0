"""Words injected into texts and hues turned in pictures: how late a monitor sees them, and what it says in quiet weeks.

python benchmarks/monitor_words.py [WORLDS] > benchmarks/monitor_words.md
"""

from __future__ import annotations

import colorsys
import platform
import sys
import time

import numpy as np
import polars as pl

import modelward
from modelward.monitoring import Monitor
from modelward.monitoring._saved import pack, pack_learned, state_of, unpack_hours
from modelward.profiles import image_table

WEEKS, TEXTS, QUIET, LASTS = 8, 60, 360, 48
HOURS = WEEKS * 168
WORDS = np.array([f"w{chr(97 + k // 26 % 26)}{chr(97 + k % 26)}{chr(97 + k // 676)}" for k in range(2_000)])
FAULTS = (
    ("a rare word of the reference in 5 % of texts", "note"), ("a word never seen in 5 %", "note"),
    ("a word never seen in 2 %", "note"), ("two frequent words put together in 5 %", "note"),
    ("texts cut to half of their words", "note"), ("hues turned by 30 degrees", "hue_"),
    ("hues turned by 10 degrees", "hue_"), ("5 % of pictures turned by 90 degrees", "hue_"),
    ("brightness × 0.9", "brightness"),
)  # fmt: skip


class World:
    """Texts of some ten words whose shares move with the hour, and small pictures of one hue each."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.shares = 1 / np.arange(1, len(WORDS) + 1) ** self.rng.uniform(0.9, 1.1)
        self.hue = self.rng.uniform(0, 360)

    def rows(self, hour: int, fault: str = "") -> pl.DataFrame:
        """Return an hour: a text and the columns of a picture in each row."""
        rng = self.rng
        tilt = self.shares * np.exp(0.1 * np.sin(hour / 24 * 2 * np.pi + np.arange(len(WORDS))))
        sizes = rng.poisson(10, TEXTS) + 1
        drawn = np.split(rng.choice(WORDS, int(sizes.sum()), p=tilt / tilt.sum()), np.cumsum(sizes)[:-1])
        if fault == FAULTS[4][0]:
            drawn = [d[: max(1, len(d) // 2)] for d in drawn]
        share = {FAULTS[0][0]: 0.05, FAULTS[1][0]: 0.05, FAULTS[2][0]: 0.02, FAULTS[3][0]: 0.05}.get(
            fault, 0.0
        )
        put = {FAULTS[0][0]: WORDS[-1], FAULTS[3][0]: f"{WORDS[9]} {WORDS[14]}"}.get(fault, "bitcoin")
        texts = [" ".join(d) + (f" {put}" if rng.random() < share else "") for d in drawn]
        turn = {FAULTS[5][0]: 30.0, FAULTS[6][0]: 10.0}.get(fault, 0.0)
        hues = self.hue + rng.normal(0, 25, TEXTS) + turn
        hues += 90.0 * (rng.random(TEXTS) < 0.05) * (fault == FAULTS[7][0])
        light = rng.uniform(0.6, 0.9, TEXTS) * (0.9 if fault == FAULTS[8][0] else 1.0)
        colours = np.array(
            [
                colorsys.hsv_to_rgb(h % 360 / 360, 0.6, v)
                for h, v in zip(hues.tolist(), light.tolist(), strict=True)
            ]
        )
        pictures = image_table(np.clip(colours[:, None, None] + rng.normal(0, 0.05, (TEXTS, 4, 4, 3)), 0, 1))
        return pictures.with_columns(pl.Series("note", texts))


def fresh(packed: tuple[bytes, bytes]) -> Monitor:
    """Return a copy of a monitor."""
    monitor = Monitor(clock=lambda: 1e9)
    hours = unpack_hours(*packed)
    monitor._gate, monitor.dropped = hours.gate, hours.gate.dropped  # noqa: SLF001
    monitor._start(hours)  # noqa: SLF001
    return monitor


def main() -> None:
    """Print the tables."""
    worlds, begun = int(sys.argv[1]) if len(sys.argv) > 1 else 6, time.process_time()
    late: dict[str, list[float]] = {name: [] for name, _ in FAULTS}
    named, quiet = [], []
    for seed in range(worlds):
        world = World(seed)
        past = pl.concat([world.rows(hour) for hour in range(HOURS)])
        monitor = Monitor(clock=lambda: 1e9).fit(past, when=np.repeat(np.arange(HOURS), TEXTS) * 3600.0)
        for hour in range(HOURS, HOURS + QUIET):
            monitor.update(world.rows(hour), when=hour * 3600.0)
        quiet.append(len(monitor.alerts()))
        hours = monitor._fitted()  # noqa: SLF001
        packed = pack_learned(hours), pack(*state_of(hours))
        begin = HOURS + QUIET
        for fault, about in FAULTS:
            copy = fresh(packed)
            for hour in range(begin, begin + LASTS):
                copy.update(world.rows(hour, fault), when=hour * 3600.0)
            found = [a for a in copy.alerts() if a.column.startswith(about) and a.start >= begin * 3600]
            late[fault].append(min((a.start // 3600 - begin + 1 for a in found), default=np.inf))
            if "never seen in 5" in fault:
                named.append(any(a.named == "bitcoin" or "bitcoin" in a.words for a in found))
        print(
            f"world {seed}: {time.process_time() - begun:.0f} s, quiet {quiet}",
            late,
            file=sys.stderr,
            flush=True,
        )
    print("# Words and pictures: what a monitor sees\n")
    print(
        f"{worlds} worlds (seeds 0 to {worlds - 1}): {TEXTS} texts an hour of some ten words out of {len(WORDS):,} "
        f"(Zipf), and as many pictures of 4 × 4 pixels around one hue; fitted on {WEEKS} weeks, {QUIET // 24} quiet "
        f"days, then a fault for {LASTS} hours. modelward {modelward.__version__}, Python {platform.python_version()}, "
        f"numpy {np.__version__}; "
        f"{time.process_time() - begun:.0f} s of processor.\n"
    )
    print(f"Alerts in the quiet days: {sum(quiet)} ({', '.join(map(str, quiet))}).\n")
    print("| fault | found | median delay of all, h |\n|---|---|---|")
    for fault, held in late.items():
        middle = float(np.median(held))
        shown = f"over {LASTS}" if np.isinf(middle) else f"{middle:g}"
        print(f"| {fault} | {np.isfinite(held).sum()} of {worlds} | {shown} |")
    print(
        f"\nThe alerts named the unseen word of 5 % in {sum(named)} of {len(named)} worlds (it is named once ten texts "
        "of an hour have it). An alert of a column of the right kind counts, also by chance."
    )


if __name__ == "__main__":
    main()

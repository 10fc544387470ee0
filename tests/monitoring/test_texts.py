"""Words and pictures: an injected word and a turn of the hues are found and named, quiet weeks are quiet."""

from __future__ import annotations

import colorsys

import numpy as np
import polars as pl
import pytest

from modelward.monitoring import Monitor
from modelward.monitoring._saved import pack, pack_learned, state_of, unpack_hours
from modelward.monitoring._series import UNSEEN_WORD
from modelward.profiles import image_table

WEEKS, ROWS = 8, 25
HOURS = WEEKS * 168
WORDS = np.array([f"w{chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(200)])
SHARES = 1 / np.arange(1, 201) / (1 / np.arange(1, 201)).sum()


def _texts(n: int, rng: np.random.Generator) -> list[str]:
    return [" ".join(row) for row in rng.choice(WORDS, size=(n, 4), p=SHARES)]


@pytest.fixture(scope="module")
def learned() -> tuple[bytes, bytes]:
    rng = np.random.default_rng(0)
    times = np.repeat(np.arange(HOURS), ROWS) * 3600.0
    frame = pl.DataFrame({"n": rng.normal(size=len(times)), "note": _texts(len(times), rng)})
    monitor = Monitor(clock=lambda: 1e9).fit(frame, when=times)
    hours = monitor._fitted()
    return pack_learned(hours), pack(*state_of(hours))


def _fresh(learned: tuple[bytes, bytes]) -> Monitor:
    monitor = Monitor(clock=lambda: 1e9)
    hours = unpack_hours(*learned)
    monitor._gate, monitor.dropped = hours.gate, hours.gate.dropped
    monitor._start(hours)
    return monitor


def _sent(learned: tuple[bytes, bytes], word: str, share: float) -> Monitor:
    monitor, rng = _fresh(learned), np.random.default_rng(1)
    for hour in range(HOURS, HOURS + 24):
        texts = [f"{t} {word}" if rng.random() < share else t for t in _texts(ROWS, rng)]
        monitor.update(pl.DataFrame({"n": rng.normal(size=ROWS), "note": texts}), when=hour * 3600.0)
    assert not monitor.dropped
    return monitor


def test_a_quiet_day_is_quiet_and_words_are_series(learned: tuple[bytes, bytes]) -> None:
    monitor = _sent(learned, "", 0.0)
    assert monitor.alerts() == ()
    assert "note: word 'waa'" in monitor.series
    assert monitor.column("note: word 'waa'") == "note"


@pytest.mark.parametrize(
    ("word", "series"), [("wak", "note: word 'wak'"), ("bitcoin", f"note: {UNSEEN_WORD}")]
)
def test_an_injected_word_is_found_whether_it_was_seen_before_or_not(
    learned: tuple[bytes, bytes], word: str, series: str
) -> None:
    alerts = [a for a in _sent(learned, word, 0.6).alerts() if a.series == series]
    assert alerts
    assert alerts[0].start <= (HOURS + 3) * 3600
    assert alerts[0].value > 2 * alerts[0].expected
    # A word that the reference has not is named in the alert; the others are in the name of the series.
    assert alerts[0].named == ("bitcoin" if series.endswith(UNSEEN_WORD) else "")
    assert ("('bitcoin')" in alerts[0].words) == bool(alerts[0].named)


def test_a_known_word_beyond_the_hundred_most_frequent_is_found(learned: tuple[bytes, bytes]) -> None:
    word = str(WORDS[170])
    alerts = [a for a in _sent(learned, word, 0.3).alerts() if a.series == f"note: word '{word}'"]
    assert alerts[0].start <= (HOURS + 3) * 3600
    assert alerts[0].value > 3 * alerts[0].expected


def test_sentences_are_watched_by_their_words_alone(learned: tuple[bytes, bytes]) -> None:
    series = [s for s in _fresh(learned).series if s.startswith("note: ")]
    assert all("word" in s or s in ("note: missing", "note: invisible characters") for s in series)
    assert "note: never seen" not in _fresh(learned)._fitted().learned.all_names


def test_an_unseen_word_of_fewer_than_ten_texts_is_not_named(learned: tuple[bytes, bytes]) -> None:
    alerts = [a for a in _sent(learned, "anna", 0.15).alerts() if a.series == f"note: {UNSEEN_WORD}"]
    assert alerts
    assert max(a.value for a in alerts) * ROWS < 10
    assert {a.named for a in alerts} == {""}


def test_encoded_rows_without_texts_raise_no_alert_of_words(learned: tuple[bytes, bytes]) -> None:
    monitor, rng = _fresh(learned), np.random.default_rng(2)
    layout = monitor._fitted().learned.layout
    for hour in range(HOURS, HOURS + 24):
        texts = _texts(ROWS, rng)
        rows = layout.encode(pl.DataFrame({"n": rng.normal(size=ROWS), "note": texts}))[0]
        monitor.update(rows, when=hour * 3600.0, texts={"note": texts} if hour % 2 else None)
    assert monitor.alerts() == ()
    assert not monitor.dropped


def test_a_turn_of_the_hues_is_found() -> None:
    rng = np.random.default_rng(0)

    def pictures(n: int, turn: float) -> pl.DataFrame:
        hues = (rng.normal(60, 15, n) + turn) % 360
        colours = np.array([colorsys.hsv_to_rgb(h / 360, 0.7, 0.8) for h in hues.tolist()])
        return image_table(np.clip(colours[:, None, None] + rng.normal(0, 0.05, (n, 3, 3, 3)), 0, 1))

    times = np.repeat(np.arange(HOURS), 25) * 3600.0
    monitor = Monitor(clock=lambda: 1e9).fit(pictures(len(times), 0), when=times)
    for hour in range(HOURS, HOURS + 48):
        monitor.update(pictures(25, 30 if hour >= HOURS + 24 else 0), when=hour * 3600.0)
    alerts = monitor.alerts()
    assert alerts
    assert min(a.start for a in alerts) >= (HOURS + 24) * 3600
    assert min(a.start for a in alerts if a.series.startswith("hue_")) <= (HOURS + 25) * 3600

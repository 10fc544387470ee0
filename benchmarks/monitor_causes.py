"""Injected causes, and what a monitor calls them: confusion, macro-F1 and abstentions.

python benchmarks/monitor_causes.py [WORLDS] [FIRST_SEED] > benchmarks/monitor_causes.md
"""

from __future__ import annotations

import platform
import sys
from collections import Counter

import numpy as np

import modelward
from modelward.monitoring import Event, Monitor
from modelward.monitoring._cause import CAUSES, cause_of
from modelward.monitoring._events import Calendar
from modelward.monitoring._saved import pack, pack_learned, state_of, unpack_hours
from monitor_worlds import HOURS, NUMBERS, WORDS, World, frame_of

LASTS, EACH = 72, 2
Spoil = "Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]"


def faults(rng: np.random.Generator) -> dict[str, Spoil]:
    """Return pipeline faults with parameters drawn."""
    j, w = int(rng.integers(NUMBERS)), int(rng.integers(WORDS))
    factor = float(rng.choice([10, 0.1, 100, 1000, 2.54, 0.4536, 1.609, 60]))
    share = float(rng.uniform(0.05, 0.6))

    def unit(X, S, _t):
        X[:, j] *= factor
        return X, S

    def frozen(X, S, _t):
        X[:, j] = 0.25
        return X, S

    def nulls(X, S, _t):
        X[rng.uniform(size=len(X)) < share, j] = np.nan
        return X, S

    def renamed(X, S, _t):
        X[:, NUMBERS + w] = 99.0
        return X, S

    def twice(X, S, _t):
        return np.repeat(X, 2, axis=0), np.repeat(S, 2, axis=0)

    def outage(X, S, _t):
        return X[:0], S[:0]

    return {
        "another unit": unit,
        "frozen": frozen,
        "nulls": nulls,
        "renamed": renamed,
        "rows twice": twice,
        "outage": outage,
    }


def attacks(rng: np.random.Generator) -> dict[str, Spoil]:
    """Return crafted rows among honest ones."""
    share = float(rng.uniform(0.01, 0.08))
    j, w = rng.choice(NUMBERS, 4, replace=False), int(rng.integers(WORDS))
    at = rng.normal(size=4) * 1.5

    def some(X):
        return rng.uniform(size=len(X)) < share

    def token(X, S, _t):
        X[some(X), NUMBERS + w] = 99.0
        return X, S

    def out_of_range(X, S, _t):
        X[some(X), j[0]] = 999.0
        return X, S

    def trigger(X, S, _t):
        here = some(X)
        for k in range(3):
            X[here, j[k]] = at[k]
        S[here] = 0.97
        return X, S

    def probes(X, S, _t):
        n = int(len(X) * max(share, 0.03) * 3)
        more = np.repeat(X[:1], n, axis=0)
        more[:, j] = at + 0.01 * rng.normal(size=(n, 4))
        return np.vstack([X, more]), np.vstack([S, np.full((n, 1), 0.5)])

    return {"new token": token, "out of range": out_of_range, "trigger in range": trigger, "probes": probes}


def drifts(rng: np.random.Generator) -> dict[str, Spoil]:
    """Return worlds that change."""
    columns = rng.choice(NUMBERS, int(rng.integers(1, 5)), replace=False)
    pace, step = float(rng.uniform(0.15, 0.4)), float(rng.uniform(0.5, 1.0))
    w = int(rng.integers(WORDS))

    def creep(X, S, t):
        X[:, columns] += pace * t / 24
        return X, S

    def shift(X, S, t):
        X[:, columns] += step * min(1.0, t / 12)
        return X, S

    def mix(X, S, t):
        here = rng.uniform(size=len(X)) < min(0.4, 0.01 * t)
        X[here, NUMBERS + w] = 0.0
        return X, S

    return {"creep": creep, "shift of means": shift, "mix of values": mix}


def events(rng: np.random.Generator) -> dict[str, Spoil]:
    """Return campaigns of a day or two: more rows of another mix, back to normal afterwards."""
    factor, lasts = float(rng.uniform(1.6, 3.0)), int(rng.integers(20, 48))
    columns, move = rng.choice(NUMBERS, 4, replace=False), rng.normal(size=4) * 0.8

    def sale(X, S, t):
        if t >= lasts:
            return X, S
        rows = rng.integers(0, len(X), int(len(X) * factor)) if len(X) else np.arange(0)
        X, S = X[rows], S[rows]
        X[:, :NUMBERS] += 0.02 * rng.normal(size=(len(X), NUMBERS))
        X[:, columns] += move
        return X, S

    return {"sale, in the calendar": sale, "sale, not in it": sale}


KINDS = {"pipeline fault": faults, "attack-like": attacks, "drift": drifts, "event": events}


def main() -> None:
    """Print the tables."""
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    seen: Counter[tuple[str, str]] = Counter()
    by_kind: dict[tuple[str, str], Counter[str]] = {}
    for seed in range(first, first + worlds):
        world = World(seed)
        parts = [X.copy() for X in world.hours(HOURS)]
        when = np.repeat(np.arange(HOURS), [len(X) for X in parts]) * 3600.0
        past = frame_of(np.concatenate(parts))
        monitor = Monitor(clock=lambda: 1e9).fit(past.drop("score"), past.select("score"), when=when)
        hours = monitor._fitted()  # noqa: SLF001
        values = [hours.learned.layout.values[f"w{j}"] for j in range(WORDS)]
        recode = [{float(v[1:]): float(k) for k, v in enumerate(held)} for held in values]
        packed = pack_learned(hours), pack(*state_of(hours))
        for cause, make in KINDS.items():
            for round_ in range(EACH):
                rng = np.random.default_rng([seed, round_, len(cause)])
                for name, spoil in make(rng).items():
                    called = one(packed, world, recode, spoil, calendar="in the calendar" in name)
                    seen[cause, called] += 1
                    by_kind.setdefault((cause, name), Counter())[called] += 1
                    if "-v" in sys.argv:
                        print(cause, name, called, file=sys.stderr)
    report(worlds, first, seen, by_kind)


def one(packed: tuple[bytes, bytes], world: World, recode: list, spoil: Spoil, *, calendar: bool) -> str:
    """Inject into three days after the reference; return what the first incident is called, "silent" without any."""
    monitor = Monitor(clock=lambda: 1e9, keep=LASTS + 8)
    hours = unpack_hours(*packed, keep=LASTS + 8)
    if calendar:
        event = Event("sale", HOURS * 3600.0, (HOURS + 48) * 3600.0)
        object.__setattr__(hours.learned, "calendar", Calendar((event,), hours.learned.columns))
    monitor._gate, monitor.dropped = hours.gate, hours.gate.dropped  # noqa: SLF001
    monitor._start(hours)  # noqa: SLF001
    state = world.state()
    for t, drawn in enumerate(world.hours(LASTS)):
        hour = world.hour - 1
        X, S = spoil(drawn[:, :-1].copy(), drawn[:, -1:].copy(), t)
        for j, codes in enumerate(recode):
            X[:, NUMBERS + j] = [
                codes.get(v, np.nan if np.isnan(v) else 1e6) for v in X[:, NUMBERS + j].tolist()
            ]
        if len(X):
            monitor.update(X, S, when=hour * 3600.0)
    monitor.tick((HOURS + LASTS) * 3600.0)
    world.back(state)
    found = monitor.incidents(monitor.alerts(), monitor.windows())
    return cause_of(found[0], hours.learned).name if found else "silent"


def report(worlds: int, first: int, seen: Counter, by_kind: dict) -> None:
    """Print the tables."""
    called = (*CAUSES, "silent")
    total = sum(seen.values())
    print("# Causes: what a monitor calls what was injected\n")
    print(
        f"{worlds} worlds of monitor_worlds.py (seeds {first} to {first + worlds - 1}; the points were set on seed "
        f"0 and, for traffic, after a look at seed 100), {EACH} draws of each kind in each, {total} injections up to "
        f"{LASTS} hours into {NUMBERS} numbers, {WORDS} categories and a score at about 100 rows an hour. The first "
        f"incident is judged when the three days are over. modelward {modelward.__version__}, Python "
        f"{platform.python_version()}, numpy {np.__version__}.\n"
    )
    print("| injected | " + " | ".join(called) + " | F1 |\n" + "|---" * (len(called) + 2) + "|")
    scores = []
    for cause in KINDS:
        right = seen[cause, cause]
        given = sum(seen[cause, c] for c in called)
        claimed = sum(seen[k, cause] for k in KINDS)
        f1 = 2 * right / max(1, given + claimed)
        scores.append(f1)
        print(f"| {cause} | " + " | ".join(str(seen[cause, c]) for c in called) + f" | {f1:.2f} |")
    named = sum(n for (_, c), n in seen.items() if c not in ("unknown", "silent"))
    right = sum(seen[c, c] for c in KINDS)
    print(
        f"\nMacro-F1 {np.mean(scores):.2f}, abstentions and silence counted as wrong. Of {named} that were named "
        f"{right / max(1, named):.0%} are right; {sum(n for (_, c), n in seen.items() if c == 'unknown')} abstentions, "
        f"{sum(n for (_, c), n in seen.items() if c == 'silent')} raised no alert at all. Attack called drift "
        f"{seen['attack-like', 'drift']}, drift called attack {seen['drift', 'attack-like']}.\n"
    )
    print("| injected | kind | called |\n|---|---|---|")
    for (cause, name), held in by_kind.items():
        print(f"| {cause} | {name} | " + ", ".join(f"{c} {n}" for c, n in held.most_common()) + " |")
    print(
        "\nSimulated causes of our own choosing: real ones are messier. Nothing here says how often a cause is named "
        "on real incidents."
    )


if __name__ == "__main__":
    main()

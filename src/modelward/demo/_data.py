"""Credit data that nobody owns: generated customers with the shape of a well-known public table.

The columns, ranges, codes and rough distributions are those of *Default of credit card clients* (Yeh, Lien
2009, UCI Machine Learning Repository, CC BY 4.0): 23 features of thirty thousand credit-card customers in
Taiwan in 2005, and whether they defaulted in the month after. Every row here is drawn from a small simulation
of accounts over six months; none is copied.

The simulation knows four states of an account, which are the codes of the PAY columns: -2 no use, -1 paid in
full, 0 revolving (the minimum was paid), 1 to 8 so many months late. The chances to pass from one to the next
are rounded from the public table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 30_000
SEED = 2005
TARGET = "DEFAULT"
MONTHS = (6, 5, 4, 3, 2, 1)
"""From the oldest to the newest; 6 is April 2005, 1 is September."""

# Every twentieth of the customers has at most this limit.
_LIMIT_QUANTILES = (
    10, 20, 30, 50, 50, 50, 70, 80, 100, 120, 140, 160, 180, 200, 210, 240, 270, 310, 360, 430, 620,
)  # fmt: skip
_AGE_QUANTILES = (
    21, 23, 25, 26, 27, 28, 29, 30, 31, 33, 34, 35, 37, 38, 40, 41, 43, 46, 49, 53, 68,
)  # fmt: skip
_STATES = (-2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8)
# From a state to the next month's: shares of _STATES. One month late is told from two only in the last month.
_STEP = {
    -2: (0.84, 0.08, 0.06, 0, 0.02),
    -1: (0.08, 0.75, 0.13, 0, 0.04),
    0: (0, 0.05, 0.89, 0, 0.06),
    2: (0, 0.07, 0.23, 0, 0.64, 0.06),
    3: (0, 0.05, 0.12, 0, 0.37, 0.17, 0.29),
    4: (0, 0.01, 0.03, 0, 0.26, 0.08, 0.32, 0.30),
    5: (0, 0, 0.04, 0, 0.21, 0.07, 0.09, 0.14, 0.45),
    6: (0, 0.02, 0.02, 0, 0.10, 0.02, 0.02, 0.04, 0.08, 0.70),
    7: (0, 0, 0, 0, 0.30, 0.01, 0, 0, 0, 0.67, 0.02),
    8: (0, 0, 0, 0, 0.38, 0, 0.12, 0, 0, 0.12, 0.38),
}
_LAST_STEP = {
    -2: (0.68, 0, 0, 0.32),
    -1: (0.03, 0.77, 0.08, 0.10, 0.02),
    0: (0, 0.04, 0.905, 0, 0.055),
    2: (0, 0.10, 0, 0.43, 0.40, 0.07),
    3: (0, 0.14, 0, 0.33, 0.22, 0.13, 0.18),
    4: (0, 0.05, 0, 0.32, 0.14, 0.08, 0.15, 0.26),
    5: (0, 0.12, 0, 0.28, 0, 0.04, 0.12, 0, 0.44),
    6: (0, 0, 0, 0.17, 0, 0, 0, 0.08, 0, 0.75),
    7: (0, 0, 0, 0.05, 0, 0, 0, 0, 0, 0, 0.95),
    8: (0, 0, 0, 1.0),
}
# The chance of a default by the newest PAY code, before everything else is looked at.
_BASE_RISK = {-2: 0.18, -1: 0.17, 0: 0.14, 1: 0.33, 2: 0.71, 3: 0.75, 4: 0.66, 5: 0.5, 6: 0.5, 7: 0.6, 8: 0.5}


def generate(rows: int = ROWS, seed: int = SEED) -> pl.DataFrame:
    """Return generated customers.

    Parameters
    ----------
    rows : int
        How many.
    seed : int
        The same seed gives the same table.

    Returns
    -------
    polars.DataFrame
        The 23 features of the public table in its order, then ``DEFAULT``; all integers.

    Examples
    --------
    >>> table = generate(1_000)
    >>> table.shape
    (1000, 24)
    >>> table["SEX"].unique().sort().to_list()
    [1, 2]
    """
    rng = np.random.default_rng(seed)
    wealth = rng.normal(size=rows)
    limit = np.round(_quantile(_LIMIT_QUANTILES, wealth)) * 10_000 // 10
    limit = np.maximum(np.round(limit / 10_000) * 10_000, 10_000)
    age = np.round(_quantile(_AGE_QUANTILES, 0.2 * wealth + np.sqrt(0.96) * rng.normal(size=rows)))
    sex = np.where(rng.uniform(size=rows) < 0.604, 2, 1)
    education = _education(wealth, rng)
    marriage = _marriage(age, rng)
    pay = _pay(wealth, rng)
    bills, paid = _accounts(limit, pay, rng)
    default = _default(pay, limit, bills, paid, sex, rng)
    columns: dict[str, Any] = {
        "LIMIT_BAL": limit, "SEX": sex, "EDUCATION": education, "MARRIAGE": marriage, "AGE": age,
    }  # fmt: skip
    columns |= {f"PAY_{0 if month == 1 else month}": pay[month] for month in sorted(MONTHS)}
    columns |= {f"BILL_AMT{month}": bills[month] for month in sorted(MONTHS)}
    columns |= {f"PAY_AMT{month}": paid[month] for month in sorted(MONTHS)}
    columns[TARGET] = default
    return pl.DataFrame({name: np.asarray(values).astype(np.int64) for name, values in columns.items()})


def _quantile(table: tuple[int, ...], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn standard normal values into a distribution given by its twentieths."""
    from scipy.special import ndtr

    return np.asarray(np.interp(ndtr(normal), np.linspace(0, 1, len(table)), np.asarray(table, dtype=float)))


def _education(wealth: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """1 graduate school, 2 university, 3 high school, 4 other; 0, 5 and 6 are not explained by the source."""
    level = 0.35 * wealth + rng.normal(size=len(wealth))
    out = np.where(level > 0.41, 1, np.where(level > -1.02, 2, 3))
    rare = rng.uniform(size=len(wealth)) < 0.0155
    return np.where(rare, rng.choice([0, 4, 5, 6], p=[0.03, 0.26, 0.6, 0.11], size=len(wealth)), out)


def _marriage(age: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """1 married, 2 single, 3 other; 0 is not explained by the source."""
    single = np.interp(age, [21, 27, 32, 37, 42, 60], [0.92, 0.82, 0.6, 0.38, 0.28, 0.18])
    out = np.where(rng.uniform(size=len(age)) < single, 2, 1)
    rare = rng.uniform(size=len(age)) < 0.0126
    return np.where(rare, rng.choice([0, 3], p=[0.14, 0.86], size=len(age)), out)


def _pay(wealth: NDArray[np.float64], rng: np.random.Generator) -> dict[int, NDArray[np.int64]]:
    """Walk each account through six months of states."""
    n = len(wealth)
    calm = 0.8 * wealth + 1.43 * rng.normal(size=n)
    state = np.select([calm > 1.65, calm > 0.78, calm > -2.05], [-2, -1, 0], 2)
    state = np.where((state == 2) & (rng.uniform(size=n) < 0.1), 3, state)
    pay = {6: state}
    for month in MONTHS[1:]:
        state = _next(state, _LAST_STEP if month == 1 else _STEP, rng)
        pay[month] = state
    return pay


def _next(
    state: NDArray[np.int64], table: dict[int, tuple[float, ...]], rng: np.random.Generator
) -> NDArray[np.int64]:
    chance = rng.uniform(size=len(state))
    out = state.copy()
    for now, shares in table.items():
        here = state == now
        steps = np.cumsum(shares) / np.sum(shares)
        out[here] = np.asarray(_STATES)[np.searchsorted(steps, chance[here], side="right")]
    return out


def _accounts(
    limit: NDArray[np.float64], pay: dict[int, NDArray[np.int64]], rng: np.random.Generator
) -> tuple[dict[int, NDArray[np.float64]], dict[int, NDArray[np.float64]]]:
    """Return bills and payments by month: what was paid in month k goes towards the bill of month k + 1."""
    n = len(limit)
    habit = np.exp(0.8 * rng.normal(size=n))
    first = pay[6]
    thrift = np.clip(1.9 - 0.45 * np.log10(limit / 10_000), 0.5, 1.6)
    use = np.where(first >= 0, rng.beta(0.55 * thrift, 0.65, n), 0.03 * habit * rng.uniform(0, 1.5, n))
    bill = np.round(limit * np.minimum(use, 1.05))
    bills: dict[int, NDArray[np.float64]] = {6: bill}
    paid: dict[int, NDArray[np.float64]] = {6: np.round(np.maximum(bill, 300) * 0.05 * habit)}
    for month in MONTHS[1:]:
        state = pay[month]
        some = np.round(
            np.clip(bill, 0, None) * rng.uniform(0.03, 0.06, n) + 150 * habit * rng.uniform(1, 8, n)
        )
        skipped = (state > 0) & (rng.uniform(size=n) < np.where(state == 1, 0.6, 0.25))
        amount = np.select([skipped, state < 0], [np.zeros(n), np.clip(bill, 0, None)], some)
        bought = np.where(
            state >= 0,
            amount * rng.uniform(0.3, 1.8, n) + 0.05 * limit * rng.uniform(0, 1, n) ** 2,
            limit * 0.025 * habit * rng.exponential(size=n),
        )
        over = (rng.uniform(size=n) < 0.02) * rng.integers(1, 400, n)
        bill = np.round(np.minimum(bill - amount + bought, 1.04 * limit + 300 * habit)) - over
        bills[month], paid[month] = bill, amount
    paid[6] = np.minimum(paid[6], np.clip(bills[6], 0, None) + 5_000)
    return bills, paid


def _default(
    pay: dict[int, NDArray[np.int64]],
    limit: NDArray[np.float64],
    bills: dict[int, NDArray[np.float64]],
    paid: dict[int, NDArray[np.float64]],
    sex: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    base = np.asarray([_BASE_RISK[code] for code in _STATES])[pay[1] + 2]
    late = np.sum([pay[month] > 0 for month in MONTHS[:-1]], axis=0)
    logit = np.log(base / (1 - base)) + 0.22 * (late - 0.6)
    logit -= 0.22 * (np.log(limit) - 11.7)
    logit += 0.25 * (np.clip(bills[1] / limit, 0, 1) - 0.4)
    logit -= 0.06 * (np.log1p(paid[1]) - 6.5) + 0.2 * (sex == 2)
    return np.asarray(rng.uniform(size=len(limit)) < 1 / (1 + np.exp(-logit)), dtype=np.int64)

"""Membership inference: formulas against plain loops, planted truths, false alarms over many cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from modelward.checks import Sample
from modelward.errors import BudgetExhausted
from modelward.findings import Claim, Limit, judge
from modelward.models import wrap
from modelward.privacy import (
    MembershipInference,
    TprAtFpr,
    coarser_params,
    exchangeability,
    harden,
    lira,
    separate,
)
from modelward.privacy._shadows import halves
from modelward.schema import Codec, Column, FeatureSchema
from modelward.stats import Auc, Proportion, row_ids


def subject_of(model, X, y, labels=(0, 1)):
    schema = FeatureSchema(tuple(Column(f"c{j}", "continuous") for j in range(X.shape[1])))
    model.fit(X, y)
    return wrap(model, Codec.fit(schema), labels)


def noise(n, d, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.integers(0, 2, n)


# --- formulas against plain twins -----------------------------------------------------------------------------


def lira_in_plain_loops(target, shadows, seen, pseudo):
    def split(i, kind):
        return [shadows[s][i] for s in range(len(shadows)) if bool(seen[s][i]) is kind]

    def moments(values):
        mean = sum(values) / len(values)
        return mean, sum((v - mean) ** 2 for v in values)

    pooled = {}
    for kind in (True, False):
        squares = sum(moments(split(i, kind))[1] for i in range(len(target)))
        pooled[kind] = squares / sum(len(split(i, kind)) - 1 for i in range(len(target)))
    out = []
    for i, t in enumerate(target):
        logs = []
        for kind in (True, False):
            mean, squares = moments(split(i, kind))
            variance = (squares + pseudo * pooled[kind]) / (len(split(i, kind)) - 1 + pseudo) + 1e-9
            logs.append(stats.norm.logpdf(t, mean, math.sqrt(variance)))
        out.append(logs[0] - logs[1])
    return np.array(out)


@pytest.mark.parametrize("seed", range(5))
def test_lira_equals_its_plain_twin(seed):
    rng = np.random.default_rng(seed)
    seen = halves(rng.integers(0, 2, 60), None, 3, rng)
    shadows, target = rng.normal(size=(6, 60)), rng.normal(size=60)
    want = lira_in_plain_loops(target, shadows, seen, 3.0)
    np.testing.assert_allclose(lira(target, shadows, seen), want, rtol=1e-9)


def test_lira_needs_models_of_both_kinds():
    with pytest.raises(ValueError, match="saw it"):
        lira(np.zeros(3), np.zeros((2, 3)), np.ones((2, 3), dtype=bool))


def test_lira_with_two_models_still_ranks_members_first():
    rng = np.random.default_rng(0)
    seen = halves(np.zeros(2_000, dtype=int), None, 1, rng)
    shadows = rng.normal(size=(2, 2_000)) + 2 * seen
    member = rng.random(2_000) < 0.5
    score = lira(rng.normal(size=2_000) + 2 * member, shadows, seen)
    assert Auc.of(score[member], score[~member]).value > 0.75


@given(st.integers(0, 10_000), st.integers(1, 4), st.booleans())
@settings(max_examples=40, deadline=None)
def test_every_row_is_seen_by_exactly_half_of_the_shadows(seed, pairs, grouped):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 50)
    groups = rng.integers(0, 12, 50) if grouped else None
    seen = halves(y, groups, pairs, rng)
    assert np.all(seen.sum(axis=0) == pairs)
    if groups is not None:
        for group in np.unique(groups):
            assert np.all(seen[:, groups == group] == seen[:, groups == group][:, :1])
    else:
        for label in np.unique(y):
            sizes = seen[:, y == label].sum(axis=1)
            assert sizes.max() - sizes.min() <= 1


# --- the rate at a low false-positive rate --------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(20, 300), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_rate_equals_a_plain_count_where_scores_differ(seed, n, m, k):
    rng = np.random.default_rng(seed)
    scores = rng.permutation(n + m).astype(float)
    members, others = scores[:n], scores[n:]
    threshold = sorted(others, reverse=True)[k] if k < m else -1.0
    want = sum(v > threshold for v in members) / n
    assert TprAtFpr.of(members, others, fpr=k / m).value == pytest.approx(want)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("m", [40, 500, 3_000])
def test_interval_uses_the_binomial_quantiles(confidence, m):
    """With as many members as scores, interval ends follow from scipy's own binomial quantiles."""
    tail = (1 - confidence) / 2
    named = tuple(range(m + 1))
    rate = TprAtFpr(named, m, m, 0.1)
    low, high = rate.interval(confidence)
    p_low, p_high = Proportion(round(0.1 * m), m).interval(confidence)
    strict, lax = stats.binom.ppf(tail, m, 0.1) / m, (stats.binom.isf(tail, m, 0.1) + 1) / m
    assert low == pytest.approx(max(0.0, 0.1 - math.hypot(0.1 - p_low, 0.1 - strict)))
    assert high == pytest.approx(min(1.0, 0.1 + math.hypot(p_high - 0.1, lax - 0.1)))


def test_rate_of_all_equal_scores_is_the_false_positive_rate():
    rate = TprAtFpr.of(np.ones(20_000), np.ones(20_000), fpr=0.01, random_state=1)
    assert rate.value == pytest.approx(0.01, abs=0.004)


@pytest.mark.parametrize(("shift", "n", "m"), [(0.0, 2_000, 500), (0.0, 5_000, 1_500), (1.5, 1_000, 700)])
def test_interval_covers_the_true_rate(shift, n, m):
    truth = stats.norm.sf(stats.norm.isf(0.01) - shift)
    rng = np.random.default_rng(7)
    missed = 0
    for _ in range(400):
        rate = TprAtFpr.of(rng.normal(shift, 1, n), rng.normal(size=m), random_state=rng)
        low, high = rate.interval(0.95)
        missed += not low <= truth <= high
    assert stats.binom.sf(missed - 1, 400, 0.05) > 0.001, missed


def test_scores_that_know_nothing_never_fail():
    """The judge at the rate of a report with ten failing codes, over 400 cases of worthless scores."""
    rng = np.random.default_rng(3)
    limits = {"tpr": Limit(0.02, 0.05), "auc": Limit(0.55, 0.60)}
    verdicts = []
    for _ in range(400):
        members, others = rng.normal(size=1_500), rng.normal(size=1_000)
        claims = [
            Claim("tpr", TprAtFpr.of(members, others[:500], random_state=rng), "share", limit=limits["tpr"]),
            Claim("auc", Auc.of(members, others), "AUC", limit=limits["auc"]),
        ]
        verdicts.append([m.verdict for m in judge(claims, alpha=0.005)])
    assert not any("fail" in pair for pair in verdicts)
    assert sum("warn" in pair for pair in verdicts) <= 8


def test_shadow_models_that_know_nothing_never_fail():
    """The whole score of the shadow attack, 200 times, about a target that saw no row of either side."""
    rng = np.random.default_rng(11)
    failed = 0
    for _ in range(200):
        seen = halves(np.zeros(2_000, dtype=int), None, 2, rng)
        hard = rng.normal(scale=2, size=2_000)
        shadows = hard + rng.normal(size=(4, 2_000)) + 1.5 * seen
        score = lira(hard + rng.normal(size=2_000), shadows, seen)
        rate = TprAtFpr.of(score[:1_000], score[1_000:1_500], random_state=rng)
        area = Auc.of(score[:1_000], score[1_000:])
        failed += rate.interval(0.99)[0] > 0.05 or area.interval(0.99)[0] > 0.60
    assert failed == 0


# --- which rows may be compared -------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0.0, -0.0, 1.5, math.nan])), min_size=2, max_size=40
    )
)
@settings(max_examples=80, deadline=None)
def test_row_ids_agree_with_comparing_all_pairs(rows):
    X = np.array(rows, dtype=float)
    ids = row_ids(X)
    for i in range(len(X)):
        for j in range(len(X)):
            assert (ids[i] == ids[j]) == np.array_equal(X[i], X[j], equal_nan=True)


def test_repeated_rows_and_shared_groups_leave_both_sides():
    members = Sample(np.array([[1.0], [2.0], [3.0], [4.0], [4.0]]), np.zeros(5, int), np.array(list("abcdd")))
    others = Sample(np.array([[2.0], [9.0], [8.0]]), np.zeros(3, int), np.array(list("xcy")))
    sides = separate(members, others)
    assert sides.members.tolist() == [0]
    assert sides.others.tolist() == [2]
    assert (sides.repeated_members, sides.repeated_others) == (3, 1)
    assert (sides.shared_members, sides.shared_others) == (1, 1)


def test_low_cardinality_rows_do_not_make_the_sides_differ():
    """Half of the rows are common patterns; dropping them on one side only would tell the sides apart."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random((6_000, 1)) < 0.5, rng.integers(0, 5, (6_000, 1)), rng.normal(size=(6_000, 1)))
    y = np.zeros(6_000, dtype=int)
    a, b = Sample(X[:4_000], y[:4_000]), Sample(X[4_000:], y[4_000:])
    sides = separate(a, b)
    assert sides.repeated_others > 800
    result = exchangeability(a.X[sides.members], a.y[sides.members], b.X[sides.others], b.y[sides.others])
    assert result.reason == ""


def test_exchangeability_is_quiet_on_random_splits():
    rng = np.random.default_rng(0)
    reasons = []
    for seed in range(6):
        X, y = noise(3_000, 4, seed)
        reasons.append(exchangeability(X[:2_000], y[:2_000], X[2_000:], y[2_000:], random_state=rng).reason)
    assert not any(reasons)


def _noisy(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = rng.normal(size=(n, 20))
    return X, (X.sum(axis=1) > 0).astype(np.int64) ^ (rng.random(n) < noise)


@pytest.mark.parametrize(("train_noise", "test_noise", "side"), [(0.0, 0.3, "test"), (0.3, 0.0, "train")])
def test_labels_that_are_harder_on_one_side_are_not_exchangeable(train_noise, test_noise, side):
    """Same columns, same label rate: no two-sample test sees it, and a sound model is surer on one side."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        (X, y), (other_X, other_y) = _noisy(1_500, train_noise, rng), _noisy(1_500, test_noise, rng)
        found = exchangeability(X, y, other_X, other_y, random_state=rng)
        assert found.auc.interval(0.99)[0] < 0.55
        assert f"labels of the {side} rows are harder" in found.reason


def test_exchangeability_fires_on_shift_and_on_a_few_strange_members():
    X, y = noise(4_000, 4, 1)
    shifted = X[2_000:].copy()
    shifted[:, 2] += 0.5
    assert "AUC" in exchangeability(X[:2_000], y[:2_000], shifted, y[2_000:]).reason
    poisoned = X[:2_000].copy()
    poisoned[:120, 1] = 99.0
    reason = exchangeability(poisoned, y[:2_000], X[2_000:], y[2_000:]).reason
    assert "1 % false positives" in reason


# --- whole attacks on planted truths --------------------------------------------------------------------------


def split(X, y, cut):
    return Sample(X[:cut], y[:cut]), Sample(X[cut:], y[cut:])


def test_a_forest_that_learned_noise_by_heart_is_caught():
    X, y = noise(3_000, 6, 0)
    forest = RandomForestClassifier(20, bootstrap=False, random_state=0)
    train, test = split(X, y, 1_800)
    result = MembershipInference(fit_rows=1_500).run(
        subject_of(forest, train.X, train.y), train, test, random_state=0
    )
    assert result.exchangeability.reason == ""
    assert [o.name for o in result.outcomes] == ["confidence", "shadow models"]
    for outcome in result.outcomes:
        assert outcome.auc.value >= 0.9
    assert result.outcomes[1].tpr.interval(0.99)[0] > 0.05
    labels_only = next(e for e in result.effects if e.title == "labels only")
    assert labels_only.after.value < result.outcomes[0].auc.value


def test_a_model_that_saw_none_of_the_rows_is_not_accused():
    """Membership is a coin here: nothing can be told, so no interval may lie above the fail limits."""
    X, y = noise(700, 4, 1)
    subject = subject_of(LogisticRegression(), X, y)
    rng = np.random.default_rng(5)
    failed = 0
    for _ in range(6):
        rows, labels = rng.normal(size=(1_600, 4)), rng.integers(0, 2, 1_600)
        train, test = split(rows, labels, 800)
        result = MembershipInference(shadows=2, fit_rows=800).run(subject, train, test, random_state=rng)
        for outcome in result.outcomes:
            failed += outcome.auc.interval(0.99)[0] > 0.60 or outcome.tpr.interval(0.99)[0] > 0.05
    assert failed == 0


def test_what_cannot_be_refitted_is_attacked_by_confidence_only():
    from dataclasses import replace

    X, y = noise(400, 3, 0)
    train, test = split(X, y, 200)
    subject = replace(subject_of(LogisticRegression(), train.X, train.y), trainer=None)
    result = MembershipInference().run(subject, train, test, random_state=0)
    assert [o.name for o in result.outcomes] == ["confidence"]
    assert "cannot be trained again" in result.shadow_reason
    assert subject.meter.rows == 400


def test_the_meter_is_respected_and_the_seed_decides_everything():
    X, y = noise(600, 3, 0)
    train, test = split(X, y, 300)
    subject = subject_of(RandomForestClassifier(5, random_state=0), train.X, train.y)
    with pytest.raises(BudgetExhausted):
        MembershipInference().run(subject.with_budget(100), train, test, random_state=0)
    runs = [MembershipInference(fit_rows=300).run(subject, train, test, random_state=9) for _ in range(2)]
    for first, second in zip(runs[0].outcomes, runs[1].outcomes, strict=True):
        assert np.array_equal(first.members, second.members)
        assert first.tpr == second.tpr


def test_three_classes_with_margins():
    from sklearn.svm import LinearSVC

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(900, 5)), rng.integers(0, 3, 900)
    train, test = split(X, y, 450)
    subject = subject_of(LinearSVC(), train.X, train.y, labels=(0, 1, 2))
    result = MembershipInference(fit_rows=450).run(subject, train, test, random_state=0)
    assert len(result.outcomes) == 2
    assert {e.title for e in result.effects} == {"labels only"}


def test_larger_leaves_forget():
    X, y = noise(1_600, 5, 0)
    train, test = split(X, y, 800)
    subject = subject_of(RandomForestClassifier(20, random_state=0), train.X, train.y)
    result = MembershipInference(fit_rows=800).run(subject, train, test, random_state=0)
    rows = np.vstack([train.X[result.member_rows], test.X[result.other_rows]])
    labels = np.concatenate([train.y[result.member_rows], test.y[result.other_rows]])
    hardened = harden(subject, result.shadows, rows, labels)
    assert hardened.params == {"min_samples_leaf": 50}
    assert hardened.auc_after.interval(0.95)[1] < hardened.auc_before.interval(0.95)[0]


def test_there_is_nothing_to_coarsen_in_a_linear_model():
    assert coarser_params({"C": 1.0, "max_iter": 100}) == {}
    assert coarser_params({"forest__min_samples_leaf": 200, "forest__max_depth": None}) == {}
    assert coarser_params({"max_depth": None}) == {"max_depth": 4}
    assert coarser_params({"min_samples_leaf": 0.1}) == {}

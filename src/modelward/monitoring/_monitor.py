"""Monitor: rows and business figures as they come, hour by hour, against what was normal."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._clock import HOUR, many_seconds, seconds
from modelward.monitoring._decisions import Decision, Verdict, decide
from modelward.monitoring._declared import Declared
from modelward.monitoring._hours import Hours, Window
from modelward.monitoring._intake import Intake
from modelward.monitoring._kept import Kept
from modelward.monitoring._learn import learn
from modelward.monitoring._performance import encode_labels
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from modelward.monitoring._alerts import Alert
    from modelward.monitoring._performance import Performance
    from modelward.schema import FeatureSchema


class Monitor(Kept):
    """Watch what a model is sent, what it answers, and business figures.

    Windows are hours (UTC). An hour is judged when rows of the hour `lateness` hours later have come.

    Parameters
    ----------
    schema : FeatureSchema, optional
        Of the inputs; inferred from the reference if it is not given.
    lateness : int
        Hours that rows may come late.
    clock : callable
        Seconds since 1970; rows more than an hour later than it are dropped.
    keep : int
        How many judged hours `windows` gives back.
    declared : Declared, optional
        Tolerances and events, as `read_declared` reads them from a file.

    Attributes
    ----------
    dropped : Counter
        Rows and figures that were not taken in, by reason.
    """

    def __init__(
        self,
        schema: FeatureSchema | None = None,
        *,
        lateness: int = 1,
        clock: Callable[[], float] = time.time,
        keep: int = 24,
        declared: Declared | None = None,
    ) -> None:
        super().__init__(lateness, clock, keep)
        self.schema, self._declared = schema, declared or Declared()

    def fit(
        self,
        X: Any,
        outputs: Any = None,
        *,
        when: Any,
        kpis: Mapping[str, tuple[Any, Any]] | None = None,
        labels: Any = None,
        answer: str | None = None,
    ) -> Monitor:
        """Learn what is normal.

        Parameters
        ----------
        X : table of n rows
            Inputs that are believed to be honest, over eight weeks at least.
        outputs : table of n rows, optional
            What the model answered; other column names than those of X.
        when : n times
        kpis : mapping of str to (values, times), optional
            Business figures, one an hour or more.
        labels : n values, optional
            The truth, None where it is not known: with it performance is estimated while later labels are missing.
        answer : str, optional
            The output that labels are of, if there are several: a class, or a score from 0 to 1 of two classes.

        Raises
        ------
        InputError
            If tables and times do not fit each other, or the schema.
        """
        learned, watch, novelty = learn(
            X, outputs, when, kpis or {}, self.schema, self._declared, labels, answer
        )
        self._start(Hours(learned, watch, novelty, self._gate, keep=self._keep))
        return self

    def decide(self, alert: str, verdict: Verdict, *, by: str, note: str = "") -> None:
        """Put on record what a person says of an alert; "new normal" is followed from now on.

        Parameters
        ----------
        alert : str
            Its id.
        verdict : {"new normal", "false alarm", "incident"}
        by, note : str
            Who, and why.

        Raises
        ------
        UsageError
            If there is no such verdict.
        InputError
            If there is no such alert, or its new level cannot be told yet.
        """
        with self._lock:
            self._flush()
            decide(self._fitted(), Decision(alert, verdict, by, note, self._clock()))

    def update(
        self,
        X: Any,
        outputs: Any = None,
        *,
        when: Any = None,
        batch: str | None = None,
        ids: Any = None,
        texts: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Take in one row or many. It never raises; what cannot be taken in is counted in `dropped`.

        Parameters
        ----------
        X : table, or encoded ndarray of float64 of shape (d,) or (n, d)
        outputs : the same of the outputs, optional
        when : time or n times, optional
            Now if it is not given.
        batch : str, optional
            Names the rows, so that they are counted once however often they are sent. Without a name a batch of
            twenty different rows or more is known again by rows and times.
        ids : name or n names, optional
            Of the rows, by which `labels` finds them later; the newest 200,000 are remembered, until the process ends.
        texts : mapping of str to n texts, optional
            By column, of rows that come encoded and so without their words; without them words are not watched.
        """
        with self._safely():
            hours = self._fitted()
            if not getattr(X, "shape", (1,))[0]:
                return
            t = self._clock() if when is None else when
            intake = self._intake or Intake(hours, self._clock)
            if isinstance(X, np.ndarray) and X.ndim == 1 and (outputs is None or outputs.ndim == 1):
                intake.one(X, outputs, seconds(t))
                if ids is not None:
                    row, _ = intake.encode(X[None], None if outputs is None else outputs[None])
                    hours.remember([ids], row, np.array([seconds(t)]))
            else:
                intake.flush()
                rows, held = intake.encode(X, outputs)
                times = many_seconds(t, len(rows))
                if not hours.repeated(rows, times, batch):
                    hours.take(
                        rows, times, self._clock(), held | {k: list(v) for k, v in (texts or {}).items()}
                    )
                    if ids is not None:
                        hours.remember(list(ids), rows, times)

    def labels(self, labels: Any, *, ids: Any = None, outputs: Any = None, when: Any = None) -> None:
        """Take in labels that come late: of rows by their ids, or together with what was answered and when.

        It never raises; labels of rows that are not remembered are counted in `dropped`.

        Parameters
        ----------
        labels : n values
        ids : n names, optional
            That `update` was given.
        outputs : table of n rows, optional
        when : n times, optional
        """
        with self._safely():
            hours = self._fitted()
            calibration = hours.ledger.calibration
            if calibration is None:
                raise InputError("labels need a reference with labels: give them to fit")
            self._flush()
            layout, column = hours.learned.layout, calibration.column
            truth = encode_labels(layout, column, labels)
            if ids is not None:
                lost = hours.ledger.settle(list(ids), truth)
            else:
                answers = encode_labels(layout, column, read_table(outputs, what="outputs")[column])
                lost = hours.ledger.count(np.floor(many_seconds(when, len(truth)) / HOUR), answers, truth)
            if lost:
                self.dropped["labels of rows that are not known"] += lost

    def performance(self) -> tuple[Performance, ...]:
        """Return how often the model was right, hour by hour: estimated, and counted where labels came.

        Nothing without labels in the reference.
        """
        with self._lock:
            self._flush()
            return self._hours.ledger.all() if self._hours else ()

    def kpi(self, name: str, value: float, when: Any = None) -> None:
        """Take in a business figure. It never raises."""
        with self._safely():
            hour = int((self._clock() if when is None else seconds(when)) // HOUR)
            self._fitted().figure(name, float(value), hour, self._clock())

    def tick(self, when: Any = None) -> None:
        """Say what time it is, so that hours without any row are judged as well. It never raises."""
        with self._safely():
            hours = self._fitted()
            self._flush()
            hour = (self._clock() if when is None else seconds(when)) // HOUR
            if self._gate.admit(np.array([hour]), self._clock())[0]:
                hours.advance(int(hour))

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts so far, by their start; of very many the newest 10,000."""
        with self._lock:
            self._flush()
            return self._hours.book.all() if self._hours else ()

    def windows(self) -> tuple[Window, ...]:
        """Return the last `keep` hours that were judged."""
        with self._lock:
            self._flush()
            return tuple(self._hours.judged) if self._hours else ()

    @contextmanager
    def _safely(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except Exception as error:  # noqa: BLE001 - a monitor must not stop what it watches
            self.dropped[f"updates that failed: {type(error).__name__}"] += 1

"""What a monitor, running or in a store, says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._cause import causes_of
from modelward.monitoring._trinity import incidents, innovations, leads, role_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.monitoring._alerts import Alert
    from modelward.monitoring._cause import Cause
    from modelward.monitoring._decisions import Decision
    from modelward.monitoring._events import Event, Suggestion
    from modelward.monitoring._hours import Hours, Window
    from modelward.monitoring._trinity import Incident, Lead, Role
    from modelward.stats import Proportion


class Described:
    """Base of `Monitor` and `Standing`: its series, its promise, and what it can see."""

    _hours: Hours | None = None

    @property
    def promise(self) -> str:
        """What may be expected of the thresholds, and why, in a sentence."""
        if self._hours is None:
            return "not fitted: nothing alarms"
        watch = self._hours.watch
        if not watch.sufficient:
            return watch.promise
        width = self._hours.learned.together
        thin = f"; traffic is thin, so means and shares are those of the last {width} hours together"
        return (
            f"{watch.promise}; values that are rare or were never seen have as large a budget of their own; the "
            f"smallest jump that it sees within an hour is {watch.thresholds.fast:.1f} σ of an hour's noise, "
            f"more in kinds of series with wilder hours{thin if width > 1 else ''}"
        )

    @property
    def plain_alarms(self) -> float:
        """How often plain 3σ bands over the same series would have alarmed in 30 days of the last held-out weeks.

        NaN under five weeks.
        """
        return self._fitted().learned.plain_alarms

    def smallest(self) -> dict[str, tuple[float, float, float]]:
        """Return of each watched series what is usual, and below and above which an hour is a jump.

        At the median hour of the week, in the units of `Alert`; nothing without history.
        """
        hours = self._fitted()
        normal = hours.watch.normal
        if normal is None:
            return {}
        usual, jump = np.median(normal.season, axis=0) + normal.level, hours.watch.smallest_jump
        turned = hours.learned.natural(np.stack([usual, usual - jump, usual + jump])).T
        return {name: (u, a, b) for name, (u, a, b) in zip(self.series, turned.tolist(), strict=True)}

    def decisions(self) -> tuple[Decision, ...]:
        """Return what people said of alerts."""
        return tuple(self._hours.decisions) if self._hours else ()

    @property
    def together(self) -> int:
        """How many hours means and shares are taken over; one unless traffic is thin."""
        return self._hours.learned.together if self._hours else 1

    @property
    def sufficient(self) -> bool:
        """Whether there was history enough to alarm at all."""
        return self._hours is not None and self._hours.watch.sufficient

    @property
    def series(self) -> tuple[str, ...]:
        """The watched series, in the order of the arrays of `windows`."""
        return self._hours.learned.names if self._hours else ()

    @property
    def kpis(self) -> tuple[str, ...]:
        """The business figures."""
        return self._hours.learned.kpis if self._hours else ()

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that were declared."""
        return self._hours.learned.calendar.events if self._hours else ()

    def suggestion(self, alert: Alert) -> Suggestion | None:
        """Return the event that would explain an alert, by how it began: with what lead or lag."""
        calendar = self._fitted().learned.calendar
        return calendar.suggest(alert.start // 3600, alert.column)

    def column(self, series: str) -> str:
        """Return the column or figure that a watched series is about; empty for the number of rows."""
        self.kind(series)
        learned = self._fitted().learned
        return learned.columns[learned.names.index(series)]

    def kind(self, series: str) -> str:
        """Return what a watched series measures: "rows", "mean", "spread", "share" or "kpi".

        Raises
        ------
        InputError
            If there is no such series.
        """
        learned = self._fitted().learned
        if series not in learned.names:
            raise InputError(f"there is no series {series!r}")
        return str(learned.kinds[learned.names.index(series)])

    @property
    def left_out(self) -> tuple[str, ...]:
        """Moments and figures that cannot be watched: too often missing, or they never moved."""
        return self._hours.learned.left_out if self._hours else ()

    @property
    def accuracy(self) -> Proportion | None:
        """How often answers were right in the reference; None without labels."""
        calibration = self._fitted().learned.calibration
        return None if calibration is None else calibration.accuracy

    def incidents(self, alerts: Sequence[Alert], windows: Sequence[Window]) -> tuple[Incident, ...]:
        """Return alerts as incidents, and which of traffic, inputs, answers and figures moved first in each.

        Parameters
        ----------
        alerts : sequence of Alert
        windows : sequence of Window
            The judged hours, in which onsets are looked for.
        """
        learned, z = self._fitted().learned, self._innovations(windows)
        return incidents(alerts, learned, z, windows[0].hour if windows else 0)

    def causes(self, alerts: Sequence[Alert], windows: Sequence[Window]) -> dict[str, Cause]:
        """Return what each alert's incident looks like, by the alert's id; see `Cause`.

        Parameters
        ----------
        alerts : sequence of Alert
        windows : sequence of Window
            The judged hours, in which onsets are looked for.
        """
        learned = self._fitted().learned
        found = (causes_of(incident, learned) for incident in self.incidents(alerts, windows))
        return {key: cause for held in found for key, cause in held.items()}

    def leads(self, windows: Sequence[Window]) -> tuple[Lead, ...]:
        """Return which series follow which, by how many hours, in judged hours; see `Lead`."""
        return leads(self._fitted().learned, self._innovations(windows))

    def role(self, series: str) -> Role:
        """Return whether a series is about traffic, an input, an answer or a figure."""
        return role_of(self._fitted().learned, series)

    def _innovations(self, windows: Sequence[Window]) -> NDArray[np.float64]:
        hours = self._fitted()
        return innovations(hours.learned, windows, hours.watch.jump_limits)

    def _fitted(self) -> Hours:
        if self._hours is None:
            raise InputError("the monitor is not fitted: call fit first")
        return self._hours

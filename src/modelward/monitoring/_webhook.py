"""Webhook: alerts to an address as JSON, signed, from a thread of its own."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import threading
import urllib.request
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modelward.errors import UsageError
from modelward.monitoring._metrics import goes_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelward.monitoring._alerts import Alert

SIGNATURE = "X-Modelward-Signature"
_MOST = 200
"""Alerts of one message; the others follow in the next."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: alerts go to the address that was given, or nowhere."""


class Webhook:
    """Sends alerts to an address.

    The body is ``{"schema_version": 1, "alerts": [...]}``, each alert with `id`, its fields, `words`, and `state`
    ("began" or "ended").

    Parameters
    ----------
    url : str
        http or https.
    secret : str, optional
        Signs the body: header ``X-Modelward-Signature: sha256=`` and the HMAC in hexadecimal.
    timeout : float
        Seconds.

    Raises
    ------
    UsageError
        If it is no such address.
    """

    def __init__(self, url: str, *, secret: str | None = None, timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("a webhook is an address that begins with https:// or http://")
        self._url, self._secret, self._timeout = url, secret, timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def __call__(self, notices: Sequence[dict[str, Any]]) -> None:
        """Send them.

        Raises
        ------
        OSError
            If the address does not take them.
        """
        body = json.dumps({"schema_version": 1, "alerts": list(notices)}, allow_nan=False).encode()
        headers = {"Content-Type": "application/json"}
        if self._secret is not None:
            signed = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
            headers[SIGNATURE] = f"sha256={signed}"
        request = urllib.request.Request(self._url, body, headers)  # noqa: S310 - http and https only, see above
        with self._opener.open(request, timeout=self._timeout):
            pass


class Notifier:
    """Tells somebody of each alert once when it begins and once when it ends.

    Parameters
    ----------
    look : callable
        Returns the alerts, and the last judged hour.
    send : callable
        Takes a list of dicts; what raises is sent again later.
    every : float
        Seconds between looks.
    """

    def __init__(
        self,
        look: Callable[[], tuple[Sequence[Alert], int]],
        send: Callable[[Sequence[dict[str, Any]]], None],
        every: float,
    ) -> None:
        self.problem = ""
        self._look, self._send, self._every = look, send, every
        self._told: dict[str, str] = {a.id: "ended" for a in look()[0]}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="modelward webhook", daemon=True)
        self._thread.start()

    def now(self) -> None:
        """Send what is new."""
        alerts, hour = self._look()
        known = {a.id for a in alerts}
        self._told = {key: state for key, state in self._told.items() if key in known}
        due = [(a, state) for a in alerts if not a.explained for state in self._due(a, hour)][:_MOST]
        if not due:
            return
        try:
            self._send([notice(a, state) for a, state in due])
        except Exception as error:  # noqa: BLE001 - whatever a receiver does must not end the thread
            self.problem = f"alerts could not be sent: {type(error).__name__}"
            return
        self.problem = ""
        self._told |= {a.id: state for a, state in due}

    def _due(self, alert: Alert, hour: int) -> list[str]:
        told = self._told.get(alert.id)
        states = [] if told else ["began"]
        return states if goes_on(alert, hour) or told == "ended" else [*states, "ended"]

    def close(self) -> None:
        """Send what is new, and stop."""
        self._stop.set()
        self._thread.join()
        self.now()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self.now()


def notice(alert: Alert, state: str) -> dict[str, Any]:
    """Return an alert as it is sent; figures that are no number are null."""
    held = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(alert).items()}
    return {"id": alert.id, "state": state, "words": alert.words, **held}

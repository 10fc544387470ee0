"""A prediction endpoint: JSON over HTTP, records in, labels or scores out.

A request is ``POST`` with ``{"records": [{"column": value, ...}, ...]}``; a missing value is null, dates are
ISO 8601. `_endpoint_answer` tells what is read from the answer.

What counts. A subject's meter counts every row of every request, before it is sent: a batch when it is
asked for, and again each part of it that is sent again after 429 or 503 or to another path. So a budget
bounds what the endpoint receives (and bills), whatever it answers; rows that were counted and then not sent
because an earlier part failed stay counted.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import math
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import numpy as np

from modelward.errors import EndpointError, UsageError
from modelward.models._answers import Reader
from modelward.models._endpoint_answer import parse_answer
from modelward.models._scores import Scores

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.models._meter import Meter
    from modelward.schema import Codec

_BUSY = (429, 503)
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 3
_LONGEST_PAUSE = 30.0
_ANSWER_BYTES = 1_000_000
_ANSWER_BYTES_A_ROW = 4_096


@dataclass(frozen=True)
class Endpoint:
    """Where a model answers over HTTP, and how to ask it.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``.
    timeout : float
        Seconds that one request may take in all, from connecting to the last byte.
    batch : int
        The most rows of one request.
    retries : int
        How often a request is sent again after 429 (too many requests) or 503 (unavailable).
    headers : tuple of (str, str)
        Sent with each request, such as a token; not shown anywhere.

    Raises
    ------
    UsageError
        If the address is no http or https address.

    Examples
    --------
    >>> Endpoint("https://models.example/predict?key=1").shown
    'https://models.example/predict'
    """

    url: str
    timeout: float = 30.0
    batch: int = 500
    retries: int = 4
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or any(c <= " " for c in self.url):
            raise UsageError("the endpoint's address must be http://host/path or https://host/path")
        if parts.username is not None or parts.password is not None:
            raise UsageError(
                "the endpoint's address holds a user name or password: give them as a header instead"
            )
        if self.timeout <= 0 or self.batch < 1 or self.retries < 0:
            raise UsageError(
                "an endpoint needs a timeout over 0, a batch of at least 1 and no negative retries"
            )

    @property
    def shown(self) -> str:
        """The address without its query, which may hold a key."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"


class EndpointBackend:
    """Asks an endpoint.

    Parameters
    ----------
    endpoint : Endpoint
        Where.
    codec : Codec
        Decodes encoded matrices.
    classes : ndarray of shape (k,)
        Sorted labels.
    meter : Meter, optional
        Counts rows that are sent again.
    reader : Reader, optional
        Reads bare scores always in the same way.
    sleep : callable
        Waits some seconds.
    """

    kind = "endpoint"

    def __init__(
        self,
        endpoint: Endpoint,
        codec: Codec,
        classes: NDArray[Any],
        *,
        meter: Meter | None = None,
        reader: Reader | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = endpoint
        self.codec = codec
        self.classes = classes
        self._meter = meter
        self._reader = reader or Reader(classes)
        self._sleep = sleep

    def bound(self, meter: Meter) -> EndpointBackend:
        """Return the same backend, counting rows that are sent again on another meter."""
        return EndpointBackend(
            self.endpoint, self.codec, self.classes, meter=meter, reader=self._reader, sleep=self._sleep
        )

    def labels(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return the labels of a batch."""
        return self.ask(X)[0]

    def scores(self, X: NDArray[np.float64]) -> Scores | None:
        """Return the scores of a batch, if the endpoint gives any."""
        return self.ask(X)[1]

    def ask(self, X: NDArray[np.float64]) -> tuple[NDArray[Any], Scores | None]:
        """Return labels and scores of a batch, sent in parts.

        Raises
        ------
        EndpointError
            If it is down, slow, or answers nonsense.
        BudgetExhausted
            If the meter does not cover sending a part again.
        """
        where = urlsplit(self.endpoint.url)
        host, port = where.hostname or "", where.port
        timeout = self.endpoint.timeout
        connection: http.client.HTTPConnection
        if where.scheme == "https":
            connection = http.client.HTTPSConnection(
                host, port, timeout=timeout, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
        try:
            starts = range(0, len(X), self.endpoint.batch)
            parts = [self._part(connection, X[i : i + self.endpoint.batch]) for i in starts]
        finally:
            connection.close()
        labels = np.concatenate([p[0] for p in parts])
        scores = [p[1] for p in parts]
        kinds = {None if s is None else s.kind for s in scores}
        if len(kinds) > 1:
            raise self._error("answered some parts with scores of one kind and others with another or none")
        if scores[0] is None:
            return labels, None
        return labels, Scores(np.concatenate([s.values for s in scores if s is not None]), scores[0].kind)

    def _part(
        self, connection: http.client.HTTPConnection, X: NDArray[np.float64]
    ) -> tuple[NDArray[Any], Scores | None]:
        records = [
            {k: _json(v) for k, v in row.items()} for row in self.codec.decode(X).iter_rows(named=True)
        ]
        body = json.dumps({"records": records}, allow_nan=False).encode()
        limit = _ANSWER_BYTES + _ANSWER_BYTES_A_ROW * len(X)
        status, content_type, answer = self._send(connection, body, len(X), limit)
        if status != 200:
            raise self._error(f"answered {status} {http.client.responses.get(status, '')}".rstrip())
        try:
            return parse_answer(answer, len(X), self._reader)
        except EndpointError as err:
            told = f" ({content_type[:40]})" if "JSON" in str(err) and content_type else ""
            raise self._error(f"{err}{told}") from err

    def _send(
        self, connection: http.client.HTTPConnection, body: bytes, rows: int, limit: int
    ) -> tuple[int, str, bytes]:
        """Send one part until it is answered, and return status, content type and body."""
        target = self.endpoint.url
        retried = redirected = 0
        while True:
            response, answer = self._once(connection, target, body, limit)
            status = response.status
            if status in _REDIRECTS:
                redirected += 1
                target = self._redirect(target, response.getheader("Location"), redirected)
            elif status in _BUSY and retried < self.endpoint.retries:
                self._sleep(_pause(response.getheader("Retry-After"), retried))
                retried += 1
            else:
                return status, response.getheader("Content-Type") or "", answer
            if self._meter is not None:
                self._meter.spend(rows)

    def _once(
        self, connection: http.client.HTTPConnection, target: str, body: bytes, limit: int
    ) -> tuple[http.client.HTTPResponse, bytes]:
        parts = urlsplit(target)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "modelward",
            **dict(self.endpoint.headers),
        }
        deadline = _Deadline(connection, self.endpoint.timeout)
        try:
            with deadline:
                if connection.sock is None:
                    connection.connect()
                deadline.sock = connection.sock
                connection.request("POST", path, body, headers)
                response = connection.getresponse()
                answer = response.read(limit + 1)
        except (OSError, http.client.HTTPException, ValueError) as err:
            connection.close()
            if deadline.passed or isinstance(err, TimeoutError):
                raise self._error(f"gave no answer within {self.endpoint.timeout:g} s") from err
            raise self._error(f"cannot be asked: {_reason(err)}") from err
        if deadline.passed:
            raise self._error(f"gave no answer within {self.endpoint.timeout:g} s")
        if len(answer) > limit:
            connection.close()
            raise self._error(
                f"answered more than {limit} bytes to a batch of {self.endpoint.batch} rows or fewer"
            )
        length = response.getheader("Content-Length")
        if length is not None and length.isdigit() and len(answer) < int(length):
            connection.close()
            raise self._error(f"broke off after {len(answer)} of {length} bytes")
        return response, answer

    def _redirect(self, target: str, location: str | None, so_far: int) -> str:
        """Return where to send the same rows again; another host, port or scheme never gets them."""
        try:
            there, here = urlsplit(urljoin(target, location or "")), urlsplit(target)
            same = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
        except ValueError:
            same = False
        if not location or not same:
            raise self._error("redirects elsewhere: give the address that answers itself")
        if so_far > _MOST_REDIRECTS:
            raise self._error("redirects in a circle: give the address that answers itself")
        return urljoin(target, location)

    def _error(self, what: str) -> EndpointError:
        return EndpointError(f"{self.endpoint.shown} {what}")


class _Deadline:
    """Shut a connection's socket when its time is over.

    A socket's own timeout starts anew with every byte, so a server that drips could hold a request for ever.
    """

    def __init__(self, connection: http.client.HTTPConnection, seconds: float) -> None:
        self.passed = False
        self.sock: socket.socket | None = None
        self._connection = connection
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _shut(self) -> None:
        self.passed = True
        # A connection that the server closes lets go of its socket while the answer is still being read.
        sock = self.sock or self._connection.sock
        try:
            if sock is not None:
                sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _pause(retry_after: str | None, attempt: int) -> float:
    """Return the seconds to wait: what the server asks for, else twice as long each time; never over 30."""
    asked = -1.0
    if retry_after is not None and retry_after.strip().isdecimal():
        asked = float(retry_after[:9])
    elif retry_after is not None:
        try:
            asked = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            asked = -1.0
    if asked >= 0:
        return min(asked, _LONGEST_PAUSE)
    return float(min(0.5 * 2**attempt, _LONGEST_PAUSE))


def _reason(err: BaseException) -> str:
    if isinstance(err, OSError) and err.strerror:
        return err.strerror
    lines = str(err).strip().splitlines()
    return f"{type(err).__name__}{': ' + lines[0][:200] if lines else ''}"


def _json(value: Any) -> Any:
    """Return a cell as JSON has it; a number that JSON cannot write counts as missing."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

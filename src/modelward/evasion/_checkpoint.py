"""Checkpoint: the answers that were paid for, in a file, so that a search that broke off goes on where it was.

Searches are deterministic, so a search that is run again with the answers that it got comes to the same place
without sending a row. Nothing but questions' digests and answers is in the file: no rows, no pickle.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from modelward.errors import EndpointError, InputError, SubjectError, UsageError
from modelward.models import Scores
from modelward.models._labels import codes_of

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.models._meter import Meter
    from modelward.models._subject import Backend

_VERSION = 1
_REFUSED = "refused"


class Checkpoint:
    """Keep what a subject answers in a file, and answer from the file what it answered before.

    Run any attack on `subject(...)` in place of the subject itself. If the endpoint fails half-way, the attack
    returns typed outcomes, and the same call with the same file goes on from the first question that has no
    answer, to the result of a run that never broke. Answers from the file count on meters as they did when they
    were sent. A request that failed is sent again; the endpoint may thus see the rows of one request twice.

    Parameters
    ----------
    path : str or Path
        A file ending in ``.npz``; made if it is not there.
    batch : int
        Rows of a request: what is lost at most when one fails. No more than the endpoint's own batch.
    every : int
        Requests after which the file is written anew; it is also written where a request fails, and at the end.

    Raises
    ------
    UsageError
        If `batch` or `every` is below 1, or, while asking, if the file is that of another run.
    InputError
        If the file is no such file, or is damaged.

    Examples
    --------
    >>> Checkpoint("answers.npz").batch
    500
    """

    def __init__(self, path: str | Path, *, batch: int = 500, every: int = 20) -> None:
        if batch < 1 or every < 1:
            raise UsageError("a checkpoint needs a batch and a pause of at least 1")
        self.path, self.batch, self.every = Path(path), batch, every
        self._digests: list[bytes] = []
        self._codes: list[NDArray[np.int64]] = []
        self._scores: list[NDArray[np.float64]] = []
        self._kinds: list[str] = []
        self._refused: list[tuple[bytes, int]] = []
        self._unsaved = 0
        self._next = 0
        if self.path.exists():
            self._load()

    def subject(self, subject: Subject) -> Subject:
        """Return the same subject, answering from the file first; asks from the beginning again."""
        self._next = 0
        self._refused.clear()
        return dataclasses.replace(subject, backend=_Kept(subject.backend, subject.classes, self))

    @property
    def rows(self) -> int:
        """Rows whose answers are kept."""
        return sum(len(c) for c, k in zip(self._codes, self._kinds, strict=True) if k != _REFUSED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.save()

    def save(self) -> None:
        """Write the file beside its place and move it there, so that it is never half written."""
        if not self._unsaved:
            return
        scores = [s.ravel() for s in self._scores]
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(
                    file,
                    version=np.array(_VERSION),
                    digests=np.frombuffer(b"".join(self._digests), dtype=np.uint8),
                    sizes=np.array([len(c) for c in self._codes], dtype=np.int64),
                    codes=np.concatenate([np.empty(0, dtype=np.int64), *self._codes]),
                    widths=np.array([s.shape[1] for s in self._scores], dtype=np.int64),
                    scores=np.concatenate([np.empty(0), *scores]),
                    kinds=np.array(self._kinds, dtype="U11"),
                )
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._unsaved = 0

    def _load(self) -> None:
        try:
            with self.path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                if int(file["version"]) != _VERSION:
                    raise ValueError
                sizes, widths = file["sizes"].tolist(), file["widths"].tolist()
                codes, scores, digests = file["codes"], file["scores"], file["digests"].tobytes()
                kinds = [str(k) for k in file["kinds"]]
            cells = [n * w for n, w in zip(sizes, widths, strict=True)]
            if (sum(sizes), sum(cells), 16 * len(sizes), len(sizes)) != (
                len(codes), len(scores), len(digests), len(kinds)
            ) or min([*sizes, *widths], default=0) < 0:  # fmt: skip
                raise ValueError
            parts = np.split(scores.astype(np.float64), np.cumsum(cells)[:-1]) if cells else []
            self._scores = [p.reshape(n, w) for p, n, w in zip(parts, sizes, widths, strict=True)]
            self._codes = list(np.split(codes.astype(np.int64), np.cumsum(sizes)[:-1])) if sizes else []
            self._digests = [digests[16 * i : 16 * i + 16] for i in range(len(sizes))]
            self._kinds = kinds
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as err:
            raise InputError(
                f"{self.path.name} is no checkpoint, or is damaged: delete it to start anew"
            ) from err

    def answer(
        self, backend: Backend, classes: NDArray[Any], X: NDArray[np.float64], way: str
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], str]:
        """Return codes, scores and their kind of one request, from the file or from the backend."""
        shape = f"{way}{X.shape}".encode()
        digest = hashlib.blake2b(shape + np.ascontiguousarray(X).tobytes(), digest_size=16).digest()
        place = self._next
        if place < len(self._codes):
            codes = self._codes[place]
            known = len(codes) == len(X) and digest == self._digests[place]
            if not known or codes.min(initial=0) < 0 or codes.max(initial=0) >= len(classes):
                raise UsageError(
                    f"{self.path.name} is of another run: give the same rows, options, seed and budget, "
                    "or another file"
                )
            self._next += 1
            if self._kinds[place] == _REFUSED:
                raise EndpointError("refused these rows when they were sent")
            return codes, self._scores[place], self._kinds[place]
        try:
            codes, scores, kind = _asked(backend, classes, X, way)
        except SubjectError:
            self._refused.append((digest, len(X)))
            self.save()
            raise
        # A refusal after which the search went on is part of the run; one that ended it is not.
        for refused, n in self._refused:
            self._keep(refused, np.zeros(n, dtype=np.int64), np.empty((n, 0)), _REFUSED)
        self._refused.clear()
        self._keep(digest, codes, scores, kind)
        if self._unsaved >= self.every:
            self.save()
        return codes, scores, kind

    def _keep(self, digest: bytes, codes: NDArray[np.int64], scores: NDArray[np.float64], kind: str) -> None:
        self._digests.append(digest)
        self._codes.append(codes)
        self._scores.append(scores)
        self._kinds.append(kind)
        self._next += 1
        self._unsaved += 1


def _asked(
    backend: Backend, classes: NDArray[Any], X: NDArray[np.float64], way: str
) -> tuple[NDArray[np.int64], NDArray[np.float64], str]:
    labels, scores = backend.ask(X) if way == "ask" else (backend.labels(X), None)
    codes = codes_of(np.asarray(labels), classes)
    if codes.shape != (len(X),) or np.any(codes < 0):
        raise EndpointError("an answer that is not one known label a row")
    if scores is None:
        return codes, np.empty((len(X), 0)), ""
    return codes, np.asarray(scores.values, dtype=np.float64), scores.kind


class _Kept:
    """A backend in front of which stands a checkpoint."""

    def __init__(self, backend: Backend, classes: NDArray[Any], kept: Checkpoint) -> None:
        self._backend, self._classes, self._kept = backend, classes, kept
        self.kind = backend.kind

    def bound(self, meter: Meter) -> _Kept:
        """Return the same, counting rows that are sent again on another meter."""
        inner = self._backend.bound(meter) if hasattr(self._backend, "bound") else self._backend
        return _Kept(inner, self._classes, self._kept)

    def ask(self, X: NDArray[np.float64]) -> tuple[NDArray[Any], Scores | None]:
        """Return labels and scores of a batch."""
        return self._answers(X, "ask")

    def labels(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return the labels of a batch."""
        return self._answers(X, "labels")[0]

    def scores(self, X: NDArray[np.float64]) -> Scores | None:
        """Return the scores of a batch, if there are any."""
        return self._answers(X, "ask")[1]

    def _answers(self, X: NDArray[np.float64], way: str) -> tuple[NDArray[Any], Scores | None]:
        size = self._kept.batch
        parts = [
            self._kept.answer(self._backend, self._classes, X[i : i + size], way)
            for i in range(0, len(X), size)
        ]
        labels = self._classes[np.concatenate([codes for codes, _, _ in parts])]
        kinds = {kind for _, _, kind in parts}
        if len(kinds) > 1:
            raise EndpointError("some parts were answered with scores of one kind and others with another")
        kind = kinds.pop()
        if kind not in ("probability", "margin"):
            return labels, None
        values = np.concatenate([scores for _, scores, _ in parts])
        return labels, Scores(values, "probability" if kind == "probability" else "margin")

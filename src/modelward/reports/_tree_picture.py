"""A decision tree, drawn from left to right so that it can be read on a narrow screen, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.reports._picture import COLOURS, LETTER, cut
from modelward.reports._svg import Drawing, element, group
from modelward.reports._text import clean

if TYPE_CHECKING:
    from modelward.reports._page import Branch

_BOLD = LETTER * 1.2
_ROW, _BOX, _PAD = 46.0, 34.0, 8.0
_TEXT = 26


def tree_picture(root: Branch, title: str) -> Drawing:
    """Draw a tree; questions stand left, answers right, the branch for "yes" above that for "no".

    Parameters
    ----------
    root : Branch
    title : str
        For those who do not see the picture.
    """
    depth = _depth(root)
    column = 46 + _BOLD * min(_TEXT, max(_longest(root), 10))
    boxes: list[Drawing] = []
    lines: list[Drawing] = []
    rows = _place(root, 0, 0, column, boxes, lines)[1]
    width, height = column * (depth + 1) - 18, rows * _ROW + 2 * _PAD
    return element(
        "svg", element("title", clean(title, 200)), group(lines), group(boxes), class_="tree",
        viewBox=f"0 0 {width:.0f} {height:.0f}", style=None, role="img", width=width, height=height,
    )  # fmt: skip


def _depth(branch: Branch) -> int:
    return 1 + max(_depth(b) for b in (branch.yes, branch.no) if b) if branch.yes or branch.no else 0


def _longest(branch: Branch) -> int:
    below = [_longest(b) for b in (branch.yes, branch.no) if b]
    return max(len(cut(clean(branch.text, 200), _TEXT)), len(clean(branch.note, 60)), *below, 0)


def _place(
    branch: Branch, level: int, row: float, column: float, boxes: list[Drawing], lines: list[Drawing]
) -> tuple[float, float]:
    """Draw a branch from a row downwards; return the row of its own box, and the first free one."""
    left = level * column
    wide = column - 34
    if branch.yes is None or branch.no is None:
        boxes.append(_box(branch, left, row, wide))
        return row, row + 1
    first, free = _place(branch.yes, level + 1, row, column, boxes, lines)
    second, free = _place(branch.no, level + 1, free, column, boxes, lines)
    own = (first + second) / 2
    boxes.append(_box(branch, left, own, wide))
    for at, word in ((first, "yes"), (second, "no")):
        start, end = left + wide, left + column
        y0, y1 = _middle(own), _middle(at)
        bend = (start + end) / 2
        path = f"M{start:.1f},{y0:.1f} C{bend:.1f},{y0:.1f} {bend:.1f},{y1:.1f} {end:.1f},{y1:.1f}"
        lines.append(element("path", class_="link", d=path))
        lines.append(element("text", word, class_="way", x=end - 3, y=y1 + (-4 if word == "yes" else 12),
                             text_anchor="end"))  # fmt: skip
    return own, free


def _middle(row: float) -> float:
    return _PAD + row * _ROW + _BOX / 2


def _box(branch: Branch, left: float, row: float, wide: float) -> Drawing:
    top = _PAD + row * _ROW
    leaf = branch.yes is None and not branch.more
    text = clean(branch.text, 200)
    kind = f"leaf s{branch.tone % COLOURS}" if leaf else "ask"
    parts = [
        element("rect", class_="box", x=left + 0.5, y=top, width=wide - 1, height=_BOX, rx=6),
        element("title", f"{text} · {clean(branch.note, 60)}"),
        element("text", cut(text, _TEXT), class_="said", x=left + wide / 2, y=top + 15, text_anchor="middle"),
        element("text", clean(branch.note, 60), class_="small", x=left + wide / 2, y=top + 27.5,
                text_anchor="middle"),
    ]  # fmt: skip
    return group(parts, class_=kind)

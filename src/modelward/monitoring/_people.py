"""People: alerts told by mail, chat or phone through the library Apprise (extra `[notify]`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 20
"""Alerts that one message tells one by one."""


class People:
    """Tells people of alerts; give it to `Monitor.notify`.

    Parameters
    ----------
    *urls : str
        Where to, as Apprise writes it: ``mailto://…``, ``slack://…``, ``tgram://…``. They hold secrets: read them from
        the environment; they are in no message of modelward.

    Raises
    ------
    MissingExtraError
        If Apprise is not installed.
    InputError
        If Apprise knows no such address; it is named by its number, since it may hold a secret.
    """

    def __init__(self, *urls: str) -> None:
        try:
            import apprise
        except ImportError:
            raise MissingExtraError("apprise", "notify") from None
        if not urls:
            raise InputError("nobody is told: give an address such as mailto://…")
        self._apprise = apprise.Apprise()
        for number, url in enumerate(urls, 1):
            if not self._apprise.add(url):
                raise InputError(f"address {number} is none that Apprise knows")

    def __call__(self, notices: Sequence[dict[str, Any]]) -> None:
        """Tell them.

        Raises
        ------
        OSError
            If not everybody could be told.
        """
        began = sum(n["state"] == "began" for n in notices)
        title = f"modelward: {began} alert{'s' if began != 1 else ''} began, {len(notices) - began} over"
        lines = [f"{n['state']}: {n['words']}" for n in notices[:_MOST]]
        if len(notices) > _MOST:
            lines.append(f"and {len(notices) - _MOST} more")
        if not self._apprise.notify(title=title, body="\n".join(lines)):
            raise OSError("not everybody could be told")

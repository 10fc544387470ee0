"""The command line: one file per verb, loaded when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from modelward._version import __version__

_VERBS = {
    "assess": ("_assess", "Measure how a model can fail or be attacked."),
    "data": ("_data", "Say whether a data set was tampered with."),
    "decide": ("_decide", "Put on record what you say of an alert of a running monitor."),
    "demo": ("_demo", "Watch six attacks on a credit model, and the locks that catch them."),
    "deps": ("_deps", "Say what comes along with a project, and what of it has known holes."),
    "diff": ("_diff", "Show what changed between two model files or tables."),
    "explain": ("_explain", "Explain a failure mode or a check."),
    "fingerprint": ("_fingerprint", "Print what identifies a model file or a table, and what is in it."),
    "harden": ("_harden", "Try countermeasures on a model, and measure each."),
    "inspect": ("_inspect", "Say what a model file gives away, without loading it."),
    "monitor": ("_monitor", "Replay traffic as if it came now, and say when it left its normal."),
    "profile": ("_profile", "Summarise a table or pictures in one pass, as a small file."),
    "scan": ("_scan", "Say whether a model file is safe to load, without loading it."),
    "schema": ("_schema", "Infer what a legal row is, for you to edit."),
    "seal": ("_seal", "Encrypt model files so that only named recipients can open them."),
    "sign": ("_sign", "Sign files, so that everybody can tell that they are yours."),
    "unseal": ("_seal", "Open a sealed file."),
    "verify": ("_verify", "Say whether files are those that were signed."),
}


class _LazyGroup(click.Group):
    """A group that imports a verb when it is asked for, so that `--version` and `--help` stay fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _VERBS:
            return None
        module = import_module(f"modelward.cli.{_VERBS[cmd_name][0]}")
        command = getattr(module, cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in _VERBS.items()])


@click.group(
    cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, message="modelward %(version)s")
def cli() -> None:
    """Measure how a machine-learning model can fail or be attacked, and fit the locks.

    Begin with `modelward demo`, or with your own model:

    \b
        modelward assess model.pkl --data test.csv --target LABEL --train train.csv

    Exit codes: 0 passed; 1 a failure at or over --fail-on; 2 could not run; 3 ran, but something stayed
    inconclusive, skipped or unreadable.
    """


def main() -> None:
    """Run the command line; every error that modelward raises on purpose is one line and exit code 2."""
    from modelward.errors import ModelwardError

    try:
        code = cli.main(prog_name="modelward", standalone_mode=False)
    except click.exceptions.Abort:
        complain("interrupted")
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except ModelwardError as error:
        complain(str(error))
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
    except Exception as error:
        if os.environ.get("MODELWARD_DEBUG"):
            raise
        complain(
            f"internal error: {type(error).__name__}; MODELWARD_DEBUG=1 shows the traceback, please report it"
        )
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


def complain(message: str) -> None:
    """Print one line on standard error; what a file or a name put into it cannot steer the terminal."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(message.split()))
    click.echo(f"modelward: {line}", err=True)

"""`modelward fingerprint`: is it the one we made?"""

from __future__ import annotations

from typing import Any

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How to print the result.",
)  # fmt: skip
def fingerprint(paths: tuple[str, ...], form: str) -> int:
    """Print what identifies a model file, and the model in it.

    Two fingerprints are printed for each file: sha256 is that of its bytes, and changes whenever it is written
    again; content is that of the model in it, and stays when the model is loaded and saved in another way
    (`modelward diff` shows what changed if it does not).

    \b
        modelward fingerprint model.pkl

    Exit codes: 0 done; 2 a file is not there; 3 one could not be read to its end, so its content has no
    fingerprint.
    """
    from modelward.artifacts import fingerprint as identify
    from modelward.artifacts import read_artifact
    from modelward.errors import InputError

    files: list[dict[str, Any]] = []
    missing: list[str] = []
    for path in paths:
        try:
            artifact = read_artifact(path)
        except InputError as error:
            missing.append(str(error))
            continue
        found = identify(artifact)
        files.append(
            {
                "path": artifact.path, "format": artifact.format, "verdict": artifact.verdict,
                "sha256": found.sha256, "content": found.content, "reason": found.reason,
            }
        )  # fmt: skip
    if form == "json":
        import json

        click.echo(json.dumps({"schema_version": 1, "files": files, "errors": missing}, indent=2))
    else:
        for file in files:
            click.echo(f"{file['path']}  ({file['format']}, {file['verdict']})")
            click.echo(f"  sha256   {file['sha256']}")
            click.echo(f"  content  {file['content'] or 'none: ' + file['reason']}")
    if missing:
        raise InputError("; ".join(missing[:3]))
    return 0 if all(file["content"] for file in files) else 3

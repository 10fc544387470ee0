"""`modelward sign`: everybody can tell that the file is yours."""

from __future__ import annotations

import os

import click

from modelward.cli._each import each, show_each

_PASSWORD = "MODELWARD_KEY_PASSWORD"  # noqa: S105 - the name of a variable


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=str))
@click.option("--key", metavar="FILE", type=click.Path(path_type=str), help="Private key to sign with (PEM).")
@click.option(
    "--new-key", metavar="FILE", type=click.Path(path_type=str),
    help="Make a key pair: the private key in FILE, the public one in FILE.pub.",
)  # fmt: skip
@click.option(
    "--signature", metavar="FILE", type=click.Path(path_type=str),
    help="Where the signature goes, for one PATH; default: PATH.sig.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace a signature or key that is there already.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How to print the result.",
)  # fmt: skip
def sign(
    paths: tuple[str, ...],
    key: str | None,
    new_key: str | None,
    signature: str | None,
    force: bool,
    form: str,
) -> int:
    """Sign model files or folders, so that everybody who has your public key can tell that they are yours.

    Make a key pair once, keep the private key to yourself and give the public one to those who load:

    \b
        modelward sign --new-key team.key
        modelward sign model.pkl --key team.key
        modelward verify model.pkl --key team.key.pub

    The signature stands beside the file, as model.pkl.sig; the `model_signing` command reads and writes the same
    format. In a folder every file is signed but those of git. The password of a key is taken from the
    environment variable MODELWARD_KEY_PASSWORD. Needs: pip install 'modelward[sign]'.

    Exit codes: 0 signed; 2 one could not be signed; the others were.
    """
    from modelward.artifacts import new_key as make
    from modelward.artifacts import sign as write
    from modelward.errors import UsageError

    password = os.environ.get(_PASSWORD) or None
    if not paths and new_key is None:
        raise UsageError("nothing to sign: give a model file, or --new-key FILE to begin with")
    if signature is not None and len(paths) != 1:
        raise UsageError("--signature goes with one PATH")
    if paths and key is None and new_key is None:
        raise UsageError("--key FILE is missing; modelward sign --new-key FILE makes one")
    done: dict[str, object] = {"schema_version": 1}
    lines = []
    if new_key is not None:
        public = make(new_key, password=password, force=force)
        done["key"], done["public_key"] = new_key, str(public)
        lines += [
            f"private key  {new_key}  (keep it to yourself)",
            f"public key   {public}  (give it to those who load)",
        ]
    with_key = key or new_key or ""
    made, failed = each(
        paths, lambda path: write(path, with_key, password=password, signature=signature, force=force)
    )
    done["signed"] = [{"path": path, "signature": str(place)} for path, place in made]
    lines += [f"signed  {path}  in  {place}" for path, place in made]
    return show_each(done, lines, failed, form)

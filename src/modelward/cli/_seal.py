"""`modelward seal` and `unseal`: clearance is who can open the file."""

from __future__ import annotations

import click

from modelward.cli._each import each, show_each

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How to print the result.",
)  # fmt: skip


@click.command(context_settings=_SETTINGS)
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=str))
@click.option(
    "-r", "--recipient", "names", metavar="AGE1...", multiple=True,
    help="Who may open it: age1…, or an SSH public key; may be repeated.",
)  # fmt: skip
@click.option(
    "-R", "--recipients", "files", metavar="FILE", multiple=True, type=click.Path(path_type=str),
    help="File of recipients, one a line; may be repeated.",
)  # fmt: skip
@click.option(
    "--new-identity", metavar="FILE", type=click.Path(path_type=str),
    help="Make an identity in FILE, and print the recipient that others seal for.",
)  # fmt: skip
@click.option(
    "-o", "--out", metavar="FILE", type=click.Path(path_type=str), help="For one PATH; default: PATH.age."
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@_FORMAT
def seal(
    paths: tuple[str, ...], names: tuple[str, ...], files: tuple[str, ...], new_identity: str | None,
    out: str | None, force: bool, form: str,
) -> int:  # fmt: skip
    """Encrypt model files so that only the named recipients can open them.

    Everybody who shall open it makes an identity once, and tells the recipient that is printed (age1…):

    \b
        modelward seal --new-identity me.age-key
        modelward seal model.pkl -r age1...                 # writes model.pkl.age
        modelward unseal model.pkl.age -i me.age-key        # gives model.pkl back

    The format is that of age (age-encryption.org/v1), whose own tools open it too. The file itself stays where it
    is. Needs: pip install 'modelward[seal]'.

    Exit codes: 0 sealed; 2 one could not be sealed: the others were, and nothing was left half-written.
    """
    from modelward.artifacts import new_identity as make
    from modelward.artifacts import read_recipients, recipient
    from modelward.artifacts import seal as encrypt
    from modelward.errors import UsageError

    if not paths and new_identity is None:
        raise UsageError("nothing to seal: give a model file, or --new-identity FILE to begin with")
    if out is not None and len(paths) != 1:
        raise UsageError("-o goes with one PATH")
    who = [recipient(name) for name in names] + [one for file in files for one in read_recipients(file)]
    if paths and not who:
        raise UsageError("nobody could open it: name a recipient with -r age1…, or -R FILE")
    done: dict[str, object] = {"schema_version": 1}
    lines = []
    if new_identity is not None:
        done["identity"], done["recipient"] = new_identity, make(new_identity, force=force)
        lines += [f"identity   {new_identity}  (keep it to yourself)", f"recipient  {done['recipient']}"]
    made, failed = each(paths, lambda path: encrypt(path, who, out=out, force=force))
    done["sealed"] = [{"path": path, "sealed": str(place), "recipients": len(who)} for path, place in made]
    for path, place in made:
        lines.append(f"sealed  {path}  in  {place}  for {len(who)} recipient{'s' * (len(who) != 1)}")
    return show_each(done, lines, failed, form)


@click.command(context_settings=_SETTINGS)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option(
    "-i", "--identity", "files", metavar="FILE", multiple=True, required=True, type=click.Path(path_type=str),
    help="Your identity (AGE-SECRET-KEY-…), or an SSH private key; may be repeated.",
)  # fmt: skip
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=str),
    help="For one PATH; default: PATH without .age.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@_FORMAT
def unseal(paths: tuple[str, ...], files: tuple[str, ...], out: str | None, force: bool, form: str) -> int:
    """Open sealed files with an identity.

    \b
        modelward unseal model.pkl.age -i me.age-key

    The content is readable by its owner alone. To open a file says nothing about whether it is safe to load:
    `modelward scan` does. Needs: pip install 'modelward[seal]'.

    Exit codes: 0 opened; 2 one was sealed for others, is cut off or changed, or is no sealed file: the others
    were opened, and nothing was left half-written.
    """
    from modelward.artifacts import read_identities
    from modelward.artifacts import unseal as decrypt
    from modelward.errors import UsageError

    if out is not None and len(paths) != 1:
        raise UsageError("-o goes with one PATH")
    identities = [one for file in files for one in read_identities(file)]
    made, failed = each(paths, lambda path: decrypt(path, identities, out=out, force=force))
    done: dict[str, object] = {"schema_version": 1}
    done["opened"] = [{"path": path, "opened": str(place)} for path, place in made]
    return show_each(done, [f"opened  {path}  into  {place}" for path, place in made], failed, form)

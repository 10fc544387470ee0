"""`modelward harden`: which countermeasure helps, and what does it cost?"""

from __future__ import annotations

from pathlib import Path

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("model")
@click.option(
    "--data", required=True, metavar="FILE", help="Held-out rows with labels that you trust (CSV, Parquet)."
)
@click.option("--target", required=True, metavar="COL", help="The label column.")
@click.option("--train", required=True, metavar="FILE", help="The rows to train on, as the model was.")
@click.option("--schema", metavar="FILE", help="What a legal row is; see `modelward schema infer`.")
@click.option("--goal", metavar="LABEL", help="The label that an attacker wants.  [default: any other]")
@click.option("--budget", type=click.Choice(["quick", "standard", "full"]), default="quick", show_default=True,
              help="How many rows are attacked, and how hard.")  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed, the same report."
)
@click.option(
    "--trust", multiple=True, metavar="NAME", help="A global name that the file may load; repeatable."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print.")  # fmt: skip
@click.option(
    "-o", "--output", multiple=True, metavar="FILE", help="Also write .html, .json or .md; repeatable."
)
@click.pass_context
def harden(
    context: click.Context,
    model: str,
    data: str,
    target: str,
    train: str,
    schema: str | None,
    goal: str | None,
    budget: str,
    seed: int,
    trust: tuple[str, ...],
    form: str,
    output: tuple[str, ...],
) -> None:
    """Try countermeasures against cheap changes of a row on MODEL, and measure each.

    Monotonic constraints, larger leaves, clipping, rounding, adversarial training and an ensemble: what each
    does to balanced accuracy and to the share of rows that flip, and the code that applies it.

    \b
        modelward harden model.pkl --data test.csv --target DEFAULT --train train.csv -o hardening.html

    Exit codes: 0 measured; 2 could not run; 3 a countermeasure could not be measured to the end.
    """
    import json

    from modelward import reports
    from modelward.assessment import harden as run
    from modelward.cli._deliver import deliver
    from modelward.cli._harden_page import page_of

    paths = [Path(name) for name in output]
    for out in paths:
        reports.check_suffix(out, (".html", ".json", ".md"))
    report = run(
        model,
        data,
        target=target,
        train=train,
        schema=schema,
        goal=goal,
        budget=budget,
        seed=seed,
        trust=trust,
    )
    as_json = json.dumps(report.to_dict(), indent=2, allow_nan=False) + "\n"
    page = page_of(report)
    deliver(
        page, as_json, paths, form=form, hint="add -o hardening.html for the pictures and the code of each"
    )
    context.exit(report.exit_code())

"""Arguments and options that the commands about models share."""

from pathlib import Path
from typing import Annotated

import typer

from modelbus.commands.terminal import completion

Reference = Annotated[str, typer.Argument(help="name, name@alias or name@3.", autocompletion=completion.models)]
AllMetrics = Annotated[bool, typer.Option("--all-metrics", help="Print every metric, not only the headline ones.")]
Promote = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="Move champion to the new version: if_comparable, if_better, always or never.",
        show_default="if_comparable; of retrain if_better",
        autocompletion=completion.words("if_comparable", "if_better", "always", "never"),
    ),
]
PromoteMetric = Annotated[
    str | None, typer.Option(metavar="METRIC", help="The metric that if_better compares, such as roc_auc.")
]
PlotFolder = Annotated[
    Path | None, typer.Option("--plots", metavar="FOLDER", help="Save the plots to this folder, as SVG.")
]

"""``modelbus datasets``: upload, list, show, rows, preview, download, delete."""

from pathlib import Path
from typing import Annotated, Any

import typer

from modelbus.client.shown.records import Preview
from modelbus.client.upload_sources import name_of
from modelbus.commands.resources.dataset_printing import print_columns, print_dataset
from modelbus.commands.resources.dataset_uploads import IfExists, Uploading, exists_explained, opened
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import finish
from modelbus.commands.terminal.names import names_of
from modelbus.commands.terminal.options import Force, NoWait, Timeout
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of
from modelbus.shared.contracts import DatasetRecord

app = typer.Typer(name="datasets", help="Upload, inspect, download and delete tables.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The dataset.", autocompletion=completion.datasets)]
Source = Annotated[
    str,
    typer.Argument(
        help="A CSV, TSV, JSON lines, Parquet, Arrow, ORC, .xlsx or .ods file, also compressed; - is standard input."
    ),
]
Format = Annotated[
    str | None, typer.Option(help="csv, tsv, jsonl, parquet, arrow, orc, xlsx or ods.", show_default="detected")
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", "-o", metavar="NAME=VALUE", help="How to read the file, such as delimiter=';' or has_header=false."
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--columns", "--column", "-c", metavar="NAME,...", help="Show only these columns, in this order."),
]


@app.command()
@asks_gateway
def upload(
    session: Session,
    source: Source,
    name: Annotated[str | None, typer.Option(help="The dataset's name.", show_default="the file's name")] = None,
    format: Format = None,
    target: Annotated[str | None, typer.Option(help="The column to predict later; alerts are about it.")] = None,
    option: Options = None,
    if_exists: Annotated[IfExists, typer.Option(help="What to do if a dataset has this name.")] = IfExists.ERROR,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a dataset even if a model depends on it; cancels its jobs.")
    ] = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Upload a file as a dataset.

    `--if-exists skip` keeps the dataset that exists and says whether its content is the same. `--if-exists replace`
    reads the new file first, so a file that cannot be read replaces nothing.

    For example:

    - `modelbus datasets upload shop.csv`

    - `modelbus datasets upload shop.csv --if-exists replace`

    - `modelbus datasets upload orders.txt --name orders -o delimiter='|' -o on_bad_rows=skip`

    - `modelbus datasets upload sales.csv -o skip_lines=2 -o thousands_mark=, -o percent=fraction`

    - `modelbus datasets upload days.csv -o 'columns={"day": {"type": "datetime", "date_format": "%d/%m/%Y"}}'`

    - `modelbus datasets upload budget.xlsx -o sheet=Costs`

    - `modelbus datasets upload shop.csv.gz`

    - `unzip -p tables.zip shop.csv | modelbus datasets upload - --name shop`
    """
    if name is None and source == "-":
        raise typer.BadParameter("a dataset from standard input needs a name", param_hint="--name")
    if force and if_exists is not IfExists.REPLACE:
        raise typer.BadParameter("--force goes with --if-exists replace", param_hint="--force")
    with opened(source, is_repeated=if_exists is not IfExists.ERROR) as file:
        say = session.printer.note if no_wait else session.printer.say
        options = settings_of(option, "--option")
        wanted = Uploading(session, file, name or name_of(source), format, target, options, timeout, say)
        done = wanted.run(if_exists, force=force)
    if isinstance(done, DatasetRecord):
        if no_wait and not session.printer.as_json:
            session.printer.say(done.correlation_id)
        else:
            session.printer.show(done, lambda: print_dataset(session.printer, done))
        return
    with exists_explained():
        finish(session, done, timeout, no_wait=no_wait, show=lambda record: print_dataset(session.printer, record))


@app.command("list")
@asks_gateway
def list_datasets(session: Session) -> None:
    """List all datasets.

    For example:

    - `modelbus datasets list`
    """
    found = session.client.datasets.list()
    rows = [[one.name, one.row_count, one.format, one.target, one.created_at] for one in found]
    headings = ("name", "rows", "format", "target", "created")
    empty = "No datasets yet. Upload one: modelbus datasets upload FILE"
    session.printer.show(found, lambda: session.printer.table(headings, rows, empty=empty))


@app.command()
@asks_gateway
def show(session: Session, name: Name) -> None:
    """Show a dataset's columns with their statistics, its warnings and its alerts.

    For example:

    - `modelbus datasets show shop`
    """
    record = session.client.datasets.get(name)
    session.printer.show(record, lambda: print_dataset(session.printer, record))


@app.command()
@asks_gateway
def rows(
    session: Session,
    name: Name,
    offset: Annotated[int, typer.Option(min=0, help="Rows to skip.")] = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Maximum number of rows.")] = 10,
    columns: Columns = None,
) -> None:
    """Show some rows.

    For example:

    - `modelbus datasets rows shop`

    - `modelbus datasets rows shop --offset 1000 -n 50 --columns size,price`
    """
    page = session.client.datasets.rows(name, offset=offset, limit=limit, columns=names_of(columns, "--columns"))

    def people() -> None:
        session.printer.rows(page.columns, page.rows)
        if page.rows:
            last = page.offset + len(page.rows)
            session.printer.say(f"rows {page.offset + 1:,} to {last:,} of {page.row_count:,}")

    session.printer.show(page, people)


@app.command()
@asks_gateway
def preview(
    session: Session,
    source: Source,
    format: Format = None,
    option: Options = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="Maximum number of rows.")] = 10,
    columns: Columns = None,
) -> None:
    """Show how the beginning of a file would be read; nothing is stored.

    For example:

    - `modelbus datasets preview orders.txt -o delimiter='|'`

    - `modelbus datasets preview orders.csv --columns order_id,price`
    """
    wanted = names_of(columns, "--columns")
    with opened(source) as file:
        found = session.client.datasets.preview(
            file, format=format, options=settings_of(option, "--option"), row_limit=limit
        )
    if wanted is not None:
        found = _with_columns(found, wanted)

    def people() -> None:
        names = ("format", "compression", "sheet", "encoding", "delimiter")
        facts = {name: getattr(found, name) for name in names}
        session.printer.facts(facts)
        print_columns(session.printer, found.columns)
        session.printer.rows([column.name for column in found.columns], found.rows)
        session.printer.warn([*found.warnings, *(alert.message for alert in found.alerts)])

    session.printer.show(found, people)


@app.command()
@asks_gateway
def download(
    session: Session,
    name: Name,
    path: Annotated[Path | None, typer.Argument(help="The file to write.", show_default="NAME.parquet")] = None,
    format: Annotated[
        str | None, typer.Option(help="csv, jsonl or parquet.", show_default="as the file's name says")
    ] = None,
    formulas: Annotated[
        str, typer.Option(help="Text in CSV that a spreadsheet would run: escaped or kept.")
    ] = "escaped",
) -> None:
    """Save a dataset as a file.

    For example:

    - `modelbus datasets download shop shop.csv`

    - `modelbus datasets download shop --format jsonl`
    """
    target = path or Path(f"{name}.{format or 'parquet'}")
    chosen: Any = format
    progress = False if session.printer.as_json else None
    session.client.datasets.download(name, target, chosen, formulas=formulas, progress=progress)
    document = {"path": str(target), "size_bytes": target.stat().st_size}
    session.printer.show(document, lambda: session.printer.say(f"{target}: {document['size_bytes']:,} bytes"))


@app.command()
@asks_gateway
def delete(session: Session, name: Name, force: Force = False) -> None:
    """Delete a dataset. With --force, even one that a model was trained on or jobs use; these jobs are cancelled.

    For example:

    - `modelbus datasets delete shop`
    """
    session.client.datasets.delete(name, force=force)
    session.printer.show({"deleted": name}, lambda: session.printer.say(f"deleted dataset {name}"))


def _with_columns(found: Preview, wanted: list[str]) -> Preview:
    """A preview of some columns.

    Raises:
        InvalidCommand: One is not in the file; names the likeliest ones meant.
    """
    from modelbus.shared.contracts.checks.command_checks import missing_columns, refused  # every command starts slower

    known = {column.name: column for column in found.columns}
    missing = missing_columns([("--columns", name) for name in wanted], list(known), _not_in_file)
    if missing:
        raise refused(missing)
    rows = [{name: row.get(name) for name in wanted} for row in found.rows]
    return found.model_copy(update={"columns": [known[name] for name in wanted], "rows": rows})


def _not_in_file(name: str) -> str:
    return f"no column {name!r} in the file"

"""``modelbus datasets``: upload, list, show, rows, preview, download, delete."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from modelbus.commands.terminal import completion
from modelbus.commands.terminal.job_waiting import finish
from modelbus.commands.terminal.options import Force, NoWait, Timeout
from modelbus.commands.terminal.session import Session, asks_gateway, settings_of
from modelbus.shared.contracts import DatasetRecord

app = typer.Typer(name="datasets", help="Tables: upload, look at, download, delete.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The dataset.", autocompletion=completion.datasets)]
Source = Annotated[
    str,
    typer.Argument(
        help="A CSV, TSV, JSON lines, Parquet, Arrow, ORC, .xlsx or .ods file, also compressed; - is standard input."
    ),
]
Format = Annotated[
    str | None, typer.Option(help="csv, tsv, jsonl, parquet, arrow, orc, xlsx or ods.", show_default="found")
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", "-o", metavar="NAME=VALUE", help="How to read it, such as delimiter=';' or has_header=false."
    ),
]
Columns = Annotated[list[str] | None, typer.Option("--column", "-c", help="Only this column; may be repeated.")]


@app.command()
@asks_gateway
def upload(
    session: Session,
    source: Source,
    name: Annotated[str | None, typer.Option(help="What to call it.", show_default="the file's name")] = None,
    format: Format = None,
    target: Annotated[str | None, typer.Option(help="The column to be predicted later; alerts tell of it.")] = None,
    option: Options = None,
    no_wait: NoWait = False,
    timeout: Timeout = None,
) -> None:
    """Upload a file and make it a dataset.

    For example:

    - `modelbus datasets upload shop.csv`

    - `modelbus datasets upload orders.txt --name orders -o delimiter='|' -o on_bad_rows=skip`

    - `modelbus datasets upload sales.csv -o skip_lines=2 -o thousands_mark=, -o percent=fraction`

    - `modelbus datasets upload days.csv -o 'columns={"day": {"type": "datetime", "date_format": "%d/%m/%Y"}}'`

    - `modelbus datasets upload budget.xlsx -o sheet=Costs`

    - `modelbus datasets upload shop.csv.gz`

    - `unzip -p tables.zip shop.csv | modelbus datasets upload - --name shop`
    """
    job = session.client.datasets.start_upload(
        _opened(source),
        name,
        format=format,
        target=target,
        options=settings_of(option, "--option"),
        progress=False if session.printer.as_json else None,
    )
    finish(session, job, timeout, no_wait=no_wait, show=lambda record: _print_dataset(session, record))


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
    """Show a dataset's columns, warnings and alerts.

    For example:

    - `modelbus datasets show shop`
    """
    record = session.client.datasets.get(name)
    session.printer.show(record, lambda: _print_dataset(session, record))


@app.command()
@asks_gateway
def rows(
    session: Session,
    name: Name,
    offset: Annotated[int, typer.Option(min=0, help="Rows to pass over.")] = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Rows at most.")] = 10,
    column: Columns = None,
) -> None:
    """Show some rows.

    For example:

    - `modelbus datasets rows shop`

    - `modelbus datasets rows shop --offset 1000 -n 50 -c size -c price`
    """
    page = session.client.datasets.rows(name, offset=offset, limit=limit, columns=column)

    def people() -> None:
        session.printer.rows(page.columns, page.rows)
        session.printer.say(f"rows {page.offset} to {page.offset + len(page.rows)} of {page.row_count}")

    session.printer.show(page, people)


@app.command()
@asks_gateway
def preview(
    session: Session,
    source: Source,
    format: Format = None,
    option: Options = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="Rows to show.")] = 10,
) -> None:
    """Show how a file would be read, from its beginning; nothing is kept.

    For example:

    - `modelbus datasets preview orders.txt -o delimiter='|'`
    """
    found = session.client.datasets.preview(
        _opened(source), format=format, options=settings_of(option, "--option"), row_limit=limit
    )

    def people() -> None:
        names = ("format", "compression", "sheet", "encoding", "delimiter")
        facts = {name: getattr(found, name) for name in names}
        session.printer.facts(facts)
        _print_columns(session, found)
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
        str | None, typer.Option(help="csv, jsonl or parquet.", show_default="what the file's name says")
    ] = None,
    formulas: Annotated[
        str, typer.Option(help="In CSV, what a spreadsheet would run is escaped, or kept as it is.")
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
    """Delete a dataset; with --force also one that a model was trained on, or that jobs use: these are cancelled.

    For example:

    - `modelbus datasets delete shop`
    """
    session.client.datasets.delete(name, force=force)
    session.printer.show({"deleted": name}, lambda: session.printer.say(f"deleted dataset {name}"))


def _opened(source: str) -> Any:
    if source == "-":
        return sys.stdin.buffer
    if not Path(source).is_file():
        raise typer.BadParameter(f"there is no file {source}", param_hint="SOURCE")
    return source


def _print_dataset(session: Session, record: DatasetRecord) -> None:
    facts = {
        "dataset": record.name,
        "rows": f"{record.row_count:,}",
        "format": record.format,
        "compression": record.compression,
        "sheet": record.sheet,
        "encoding": record.encoding,
        "target": record.target,
        "skipped": record.skipped_row_count or None,
        "job": record.correlation_id,
    }
    session.printer.facts(facts)
    _print_columns(session, record)
    session.printer.warn([*record.warnings, *(alert.message for alert in record.alerts)])


def _print_columns(session: Session, record: Any) -> None:
    rows = [
        [column.name, column.type, column.missing, column.distinct, column.minimum, column.maximum]
        for column in record.columns
    ]
    session.printer.table(("column", "type", "missing", "distinct", "least", "most"), rows, empty="No columns.")

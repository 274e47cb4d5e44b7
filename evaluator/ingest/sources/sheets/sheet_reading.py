"""One sheet of a workbook is read: which one, and its cells as a table of text for pass 2."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, Final

from modelbus.evaluator.ingest.faults import Fault, SkippedRows, refused
from modelbus.evaluator.ingest.sources.delimited.delimited_text import read_delimited
from modelbus.evaluator.ingest.sources.dialect import Header
from modelbus.evaluator.ingest.sources.sheets.ods import OdsWorkbook
from modelbus.evaluator.ingest.sources.sheets.sheet_rows import Oddities, Sheet, SheetRow, Workbook
from modelbus.evaluator.ingest.sources.sheets.sheet_text import SheetText, mixed_warning, write_sheet
from modelbus.evaluator.ingest.sources.sheets.xlsx import XlsxWorkbook
from modelbus.evaluator.ingest.sources.source_options import ColumnFinding, delimited_columns, number_marks
from modelbus.evaluator.ingest.sources.workbook_kinds import WorkbookKind
from modelbus.evaluator.ingest.table import Limits, Stage, TextTable
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.contracts.records.dataset_records import Alert
from modelbus.shared.errors import InvalidCommand, ModelbusError
from modelbus.shared.tabular.cells.marks import MISSING_MARKS, TEXT_MISSING_MARKS

_NAMED: Final = 20
_REPORTED_ROWS: Final = 1000
_TYPED: Final = ("integer", "real", "boolean", "datetime")


@dataclass
class OpenSheet:
    """A sheet whose cells are stored in a text file."""

    name: str
    path: Path
    text: SheetText
    oddities: Oddities
    choice: list[str]
    """Warnings about the choice of the sheet."""
    _header_row: int = 0
    _mixed: list[str] = field(default_factory=list)
    _typed: set[int] = field(default_factory=set)
    """Columns whose cells are not text in the file."""

    def read(
        self,
        source: BinaryIO,
        spool: Path,
        *,
        options: ParseOptions,
        skipped: SkippedRows | None,
        limits: Limits,
        survey_stage: Stage,
        stage: Stage,
    ) -> TextTable:
        """Read the text into the spool; what it takes and raises is said of ``read_delimited``.

        Args:
            source: The text file, open.
        """
        known = {"delimiter": ",", "encoding": "utf-8", "skip_initial_space": False}
        found = read_delimited(
            source,
            spool,
            options=options.model_copy(update=known),
            skipped=skipped,
            is_truncated=False,
            limits=limits,
            survey_stage=survey_stage,
            stage=stage,
            size=self.text.size_bytes,
            columns_of=lambda header: self._columns(header, options),
        )
        plans = [
            replace(plan, has_values=True, form=None) if index in self._typed and plan.type in _TYPED else plan
            for index, plan in enumerate(found.plans)
        ]
        return replace(found, plans=plans, delimiter=None, warnings=[*found.warnings, *self._mixed])

    def _columns(self, header: Header, options: ParseOptions) -> Sequence[ColumnFinding]:
        """What to detect: cells of text make a column of text, whatever they look like."""
        header_row = self._header_row = max(self.text.row_of(header.line_count), options.skip_lines or 0)
        told = []
        self._mixed = []
        self._typed = set()
        for index, name in enumerate(header.names):
            kinds = self.text.column(index).kinds(name, header_row)
            if "text" in kinds or len(kinds) > 1:
                told.append(name)
            elif not self.text.column(index).has_marks:
                self._typed.add(index)
            if len(kinds) > 1 and name not in options.columns:
                self._mixed.append(mixed_warning(name, self.text.first_column + index, kinds, self.name))
        return delimited_columns(header, options, ",", told, TEXT_MISSING_MARKS)

    @contextmanager
    def telling_rows(self) -> Iterator[None]:
        """Errors about lines of the text become errors about rows of the sheet."""
        try:
            yield
        except ModelbusError as error:
            details = [{key: self._told(value) for key, value in one.items()} for one in error.details]
            raise type(error)(self.text.in_rows(error.message), details=details) from error

    def _told(self, value: object) -> object:
        return self.text.in_rows(value) if isinstance(value, str) else value

    def alerts(self, alerts: Sequence[Alert]) -> list[Alert]:
        """Alerts about rows of the sheet."""
        return [one.model_copy(update={"message": self.text.in_rows(one.message)}) for one in alerts]

    def sentences(self, warnings: Sequence[str]) -> list[str]:
        """Warnings about rows of the sheet, and those about the workbook."""
        found = self.oddities.warnings(self.name, self._header_row)
        return [*self.choice, *map(self.text.in_rows, warnings), *found]

    def faults(self, faults: Sequence[Fault]) -> list[Fault]:
        """Faults of rows of the sheet."""
        return [
            replace(
                fault,
                line=None if fault.line is None else self.text.row_of(fault.line),
                unit="row",
                problem=self.text.in_rows(fault.problem),
            )
            for fault in faults
        ]


@contextmanager
def opened_sheet(
    source: BinaryIO, kind: WorkbookKind, path: Path, *, options: ParseOptions, limits: Limits, stage: Stage
) -> Iterator[OpenSheet]:
    """Write the cells of a sheet to a text file, which is removed afterwards.

    Args:
        source: The workbook.
        kind: Its format.
        path: Where to write the text.
        options: They name the sheet, where there is a choice.
        limits: What the sheet may not exceed.
        stage: For the progress.

    Raises:
        MalformedTable: The workbook is damaged, its sheets are empty, or several of them have cells.
        LimitExceeded: It is too large when unpacked, or too wide.
        InvalidCommand: It has no sheet of that name.
    """
    limit = limits.unpacked_limit_bytes
    workbook: Workbook = XlsxWorkbook(source, limit) if kind == "xlsx" else OdsWorkbook(source, limit)
    sheet, choice = _chosen(workbook, options.sheet)
    oddities = Oddities()
    marks = MISSING_MARKS if options.missing_marks is None else number_marks(options)
    try:
        rows = _reporting(workbook.rows(sheet, oddities), stage)
        text = write_sheet(rows, path, marks=marks, comment=options.comment, limits=limits)
        yield OpenSheet(sheet.name, path, text, oddities, choice)
    finally:
        path.unlink(missing_ok=True)


def _reporting(rows: Iterable[SheetRow], stage: Stage) -> Iterator[SheetRow]:
    """The rows; the progress is reported now and then, so that a job can be cancelled meanwhile."""
    for number, row in enumerate(rows):
        if number % _REPORTED_ROWS == 0:
            stage.report(0.0)
        yield row


def _chosen(workbook: Workbook, wanted: str | None) -> tuple[Sheet, list[str]]:
    """The sheet to read, and warnings about the choice."""
    if wanted is not None:
        return _named(workbook.sheets, wanted), []
    filled = [sheet for sheet in workbook.sheets if next(workbook.rows(sheet, Oddities()), None) is not None]
    if not filled:
        raise refused("the workbook has no sheet with cells", "a sheet with a header and at least one row")
    shown = [sheet for sheet in filled if sheet.is_visible] or filled
    if len(shown) > 1:
        raise refused(f"the workbook has {len(shown)} sheets with cells", f"the option sheet, one of {_names(shown)}")
    hidden = [sheet for sheet in filled if sheet is not shown[0]]
    if not hidden:
        return shown[0], []
    what = "hidden sheet" if len(hidden) == 1 else "hidden sheets"
    return shown[0], [f"sheet {shown[0].name!r} is read; the {what} {_names(hidden)} can be read with the option sheet"]


def _named(sheets: Sequence[Sheet], wanted: str) -> Sheet:
    found = [sheet for sheet in sheets if sheet.name == wanted] or [
        sheet for sheet in sheets if sheet.name.strip().casefold() == wanted.strip().casefold()
    ]
    if found:
        return found[0]
    names = [sheet.name for sheet in sheets]
    close = get_close_matches(wanted, names, n=1)
    expected = f"did you mean {close[0]!r}?" if close else f"its sheets are {_names(sheets)}"
    problem = f"the workbook has no sheet {wanted[:100]!r}"
    details = [{"where": "options.sheet", "problem": problem, "expected": f"one of {_names(sheets)}"}]
    raise InvalidCommand(f"{problem}; {expected}", details=details)


def _names(sheets: Sequence[Sheet]) -> str:
    more = f" and {len(sheets) - _NAMED} more" if len(sheets) > _NAMED else ""
    return ", ".join(repr(sheet.name[:100]) for sheet in sheets[:_NAMED]) + more

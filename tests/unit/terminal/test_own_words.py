"""Errors in the command line's own words: a route, a query or a field of the API becomes a command or an option."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from modelbus.cli import app
from modelbus.client.letters import DeadLetter
from modelbus.commands.operation.dead_letter_printing import print_letter
from modelbus.commands.terminal.own_words import CommandWords, in_own_words, sentence_in_own_words
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.route_commands import ROUTE_COMMANDS, command_of_route
from modelbus.errors import InvalidCommand, ModelbusError, StillInUse
from tests.unit.mock_gateway import OPERATIONS

ROOT = Path(__file__).parents[3]
CLI = typer.main.get_command(app)
WITHOUT_COMMAND = {
    "GET /docs": "a page for people, in a browser",
    "GET /metrics": "for Prometheus",
    "GET /openapi.json": "for programs that generate clients",
    "GET /asyncapi.json": "for programs that read the queues' contract",
    "GET /models/{name}/versions/{version}/usage": "a figure for the web page; no message names it",
}
DESCRIPTIONS = ("gateway/description/", "gateway/pages/")
"""What is written for readers of OpenAPI, AsyncAPI and the web page; no command prints it."""
REQUEST_LINES = {"a request begins with a line such as `GET /datasets HTTP/1.1`"}
"""Answers to what is not HTTP, which the command line always sends."""
ROUTE = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) /|(?<![\w/])\?[a-z_]+=")


def words(command: str) -> CommandWords:
    return CommandWords.of_arguments(CLI, command.split())


def messages() -> Iterator[tuple[str, str]]:
    """Each text of the services that names a route or a query, with its place; of f-strings, ``X`` for a value."""
    for folder in ("gateway", "shared"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            place = str(path.relative_to(ROOT))
            if not place.startswith(DESCRIPTIONS):
                yield from ((f"{place}:{line}", text) for line, text in _texts(ast.parse(path.read_text())))


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    passed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) or _is_declaration(node):
            passed |= {id(inner) for inner in ast.walk(node) if not isinstance(node, ast.Expr) or _is_text(node.value)}
        if id(node) in passed:
            continue
        if isinstance(node, ast.JoinedStr):
            passed |= {id(inner) for inner in ast.walk(node)}
            text = "".join(str(one.value) if isinstance(one, ast.Constant) else "X" for one in node.values)
        elif _is_text(node):
            text = node.value
        else:
            continue
        if ROUTE.search(text):
            yield node.lineno, text


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_declaration(node: ast.AST) -> bool:
    """``@route(...)`` and what it describes, and the examples in it."""
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("route", "Answer", "Field")
    )


def test_every_operation_has_a_command_or_a_reason() -> None:
    assert ROUTE_COMMANDS.keys() | WITHOUT_COMMAND.keys() == OPERATIONS.keys()
    assert ROUTE_COMMANDS.keys() & WITHOUT_COMMAND.keys() == set()


@pytest.mark.parametrize("route", sorted(ROUTE_COMMANDS))
def test_what_a_route_becomes_is_a_command(route: str) -> None:
    command = ROUTE_COMMANDS[route]
    if command == "modelbus --help":
        return
    found = CLI
    for word in command.split()[1:]:
        found = getattr(found, "commands", {}).get(word, found)
    assert not hasattr(found, "commands"), "a command, not a group"
    known = {name for one in found.params for name in getattr(one, "opts", [])}
    assert {word for word in command.split() if word.startswith("--")} <= known


def test_there_are_messages_that_name_routes() -> None:
    found = dict(messages())
    assert len(found) > 8
    assert any("POST /datasets" in text for text in found.values())
    assert any("?force=true" in text for text in found.values())


@pytest.mark.parametrize(("place", "text"), [pytest.param(*one, id=one[0]) for one in messages()])
def test_no_message_of_the_services_names_a_route_on_a_terminal(place: str, text: str) -> None:
    if text in REQUEST_LINES or text.startswith("/"):  # a link in a document, which is no sentence
        return
    said = sentence_in_own_words(text, CommandWords())
    assert ROUTE.search(said) is None, f"{place}: {said!r}; route_commands.py has no command for it"


@pytest.mark.parametrize(
    ("method", "path", "command"),
    [
        ("POST", "/datasets", "modelbus datasets upload FILE"),
        ("PUT", "/dead-letters/8f1c", "modelbus dead-letters edit 8f1c"),
        ("POST", "/models/{name}/retrain", None),
        ("POST", "/models/{reference}/retrain", "modelbus models retrain REFERENCE"),
        ("GET", "/models/churn/versions/3/candidates", "modelbus models candidates churn@3"),
        ("GET", "/nothing", None),
        ("TRACE", "/datasets", None),
    ],
)
def test_a_path_is_found_by_its_template(method: str, path: str, command: str | None) -> None:
    if command is None and path == "/models/{name}/retrain":
        command = "modelbus models retrain NAME"
    assert command_of_route(method, path) == command


@pytest.mark.parametrize(
    ("command", "where", "typed"),
    [
        ("train shop price", "exclude.0", "--exclude"),
        ("train shop price", "features.12", "--feature"),
        ("train shop price", "hyperparameters.alpha", "--set alpha"),
        ("train shop price", "tags.team", "--tag team"),
        ("train shop price", "target", "TARGET"),
        ("train shop price", "dataset", "DATASET"),
        ("train shop price", "model", "--model"),
        ("train shop price", "cross_validation.folds", "--folds"),
        ("train shop price", "search.space.C.low", "--space C"),
        ("train shop price", "search.method", "--search"),
        ("train shop price", "auto.scoring", "--scoring"),
        ("train shop price", "auto.max_models", "--candidates"),
        ("train shop price", "search.factor", "--option search.factor"),
        ("train shop price", "threshold.scoring", "--tune-threshold"),
        ("train shop price", "hold_out.fraction", "--option hold_out.fraction"),
        ("train shop price", "sed", "--option sed"),
        ("evaluate m d", "slices.0", "--slice"),
        ("evaluate m d", "slice", "--option slice"),
        ("evaluate m d", "evaluation", "--name"),
        ("evaluate m d", "model", "MODEL"),
        ("train shop price", "calibration.cross_validation.folds", "--option calibration.cross_validation.folds"),
        ("train shop price", "search", "--search"),
        ("evaluate m d", "best_threshold.metric", "--best-threshold"),
        ("drift m", "thresholds.psi", "--threshold psi"),
        ("explain m", "columns.1", "--column"),
        ("explain m", "rows.0.size", "row 1, column size"),
        ("explain m", "rows.*.a.b", "every row, column a.b"),
        ("learning-curve m", "fractions.0", "--fraction"),
        ("models retrain m", "model", "REFERENCE"),
        ("datasets upload f.csv", "options.delimiter", "--option delimiter"),
        ("estimators list", "query.task", "--task"),
        ("estimators list", "unheard_of", None),
        ("models list", "exclude.0", None),
    ],
)
def test_a_field_becomes_what_a_person_types(command: str, where: str, typed: str | None) -> None:
    assert words(command).of_field(where) == typed


def test_an_error_names_options_and_says_nothing_twice() -> None:
    detail = {"where": "exclude.0", "problem": "no column 'idd'", "expected": ["id"], "given": "idd"}
    error = InvalidCommand("exclude.0: no column 'idd' in dataset 'shop' (is it 'id'?)", details=[detail])
    error.correlation_id = "0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10"
    error.add_note("a note")
    own = in_own_words(error, words("train shop price"))
    assert own.message == "--exclude: no column 'idd' in dataset 'shop' (is it 'id'?)"
    assert own.details == []
    assert (type(own), own.correlation_id, own.__notes__) == (InvalidCommand, error.correlation_id, ["a note"])
    assert error.details == [detail], "--json keeps the gateway's words"


def test_what_a_message_does_not_say_stays_in_the_details() -> None:
    details = [
        {"where": "promote_metric", "problem": "no metric 'roc_au'", "expected": ["roc_auc", "roc_auc_ovo"]},
        {"where": "seed", "problem": "must be 0 or more", "given": -1},
    ]
    own = in_own_words(InvalidCommand("promote_metric: no metric 'roc_au'", details=details), words("train a b"))
    assert own.details == [
        {"where": "--promote-metric", "expected": ["roc_auc", "roc_auc_ovo"]},
        {"where": "--seed", "problem": "must be 0 or more", "given": -1},
    ]


def test_the_whole_command_is_no_place() -> None:
    detail = {"where": "command", "problem": "give features or exclude, not both", "given": "object"}
    own = in_own_words(
        InvalidCommand("command: give features or exclude, not both", details=[detail]), words("train a b")
    )
    assert (own.message, own.details) == ("give --feature or --exclude, not both", [])


def test_a_misspelt_field_of_option_suggests_the_option_for_it() -> None:
    detail = {"where": "slice", "problem": "there is no such field; did you mean slices?", "expected": "slices"}
    own = in_own_words(
        InvalidCommand("slice: there is no such field; did you mean slices?", details=[detail]), words("evaluate m d")
    )
    assert own.message == "--option slice: there is no such field; did you mean --slice?"


@pytest.mark.parametrize(
    ("sentence", "command", "said"),
    [
        ("?force=true deletes it anyway", "datasets delete d", "--force deletes it anyway"),
        ("?task= must be one of a, b", "estimators list", "--task must be one of a, b"),
        ("by ?kind= or ?before=; or ?all=true", "dead-letters purge", "by --kind or --before; or --all"),
        ("upload it with `POST /datasets?name=x`.", "", "upload it with `modelbus datasets upload FILE`."),
        ("allow it with allow_target_change", "train a b", "allow it with --allow-target-change"),
        ("no column 'free_text' in it", "train a b", "no column 'free_text' in it"),
        ("balanced_accuracy is not defined", "train a b", "balanced_accuracy is not defined"),
        ("give features or exclude, not both", "models list", "give features or exclude, not both"),
        ("what is 2?a=b, and/or GET it", "", "what is 2?a=b, and/or GET it"),
    ],
)  # fmt: skip
def test_sentences(sentence: str, command: str, said: str) -> None:
    assert sentence_in_own_words(sentence, words(command)) == said


def test_what_a_record_says_of_an_error_is_in_own_words_too(capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"code": "invalid_command", "message": "no JSON; give it another body with PUT /dead-letters/8f1c"}
    at = "2026-01-31T12:00:00Z"
    letter = DeadLetter.model_validate({
        "id": "8f1c", "kind": "message", "queue": "evaluate", "at": at, "is_edited": False, "correlation_id": None,
        "code": "poison", "reason": "not JSON", "history": [], "lines": [], "problem": problem,
    })  # fmt: skip
    print_letter(Printer(), letter, no_color=True)
    assert "another body with `modelbus dead-letters edit 8f1c`" in capsys.readouterr().out


def test_an_error_without_details_stays_as_it_is() -> None:
    assert in_own_words(ModelbusError("nothing to say"), words("train a b")).message == "nothing to say"
    assert in_own_words(StillInUse("in use; ?force=true"), CommandWords()).message == "in use; --force"

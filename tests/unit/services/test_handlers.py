"""The tables of handlers: each command has one, in the service whose queue it travels on."""

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, get_args, get_type_hints

import pytest

import modelbus.evaluator.__main__ as evaluator
import modelbus.predictor.__main__ as predictor
import modelbus.trainer.__main__ as trainer
from modelbus.shared.contracts import Command, Predict
from modelbus.shared.contracts.base import CommandBase
from modelbus.shared.contracts.records.job_outcomes import Outcome
from modelbus.shared.worker.child import JobContext

SERVICES: dict[str, ModuleType] = {"trainer": trainer, "predictor": predictor, "evaluator": evaluator}
COMMANDS: dict[str, type[CommandBase]] = {kind.__name__: kind for kind in get_args(get_args(Command)[0])}
OUTCOMES = get_args(get_args(Outcome)[0])


def handled() -> Iterator[tuple[str, str, str, str]]:
    """Service, queue, command and place of each handler."""
    for service, module in SERVICES.items():
        for queue, handlers in module.LANES.items():
            for command, place in handlers.items():
                yield service, queue, command, place


HANDLED = list(handled())
EACH = pytest.mark.parametrize(("service", "queue", "command", "place"), HANDLED, ids=[one[2] for one in HANDLED])


def found(place: str) -> Callable[..., Any]:
    module, _, function = place.partition(":")
    handler: Callable[..., Any] = getattr(import_module(module), function)
    return handler


def test_each_command_has_one_handler_but_the_one_that_is_answered_at_once() -> None:
    named = sorted(command for _, _, command, _ in HANDLED)
    assert named == sorted(COMMANDS.keys() - {Predict.__name__})
    assert Predict.queue == predictor.INTERACTIVE


@EACH
def test_a_command_travels_on_the_queue_of_its_handlers_lane(
    service: str, queue: str, command: str, place: str
) -> None:
    assert COMMANDS[command].queue == queue, f"{place} in the {service}"


@EACH
def test_a_handler_takes_its_command_and_gives_an_outcome(service: str, queue: str, command: str, place: str) -> None:
    handler = found(place)
    taken = [parameter.name for parameter in inspect.signature(handler).parameters.values()]
    hints = get_type_hints(handler)
    assert [hints[name] for name in taken] == [COMMANDS[command], JobContext]
    assert hints["return"] in OUTCOMES


@EACH
def test_a_handlers_module_is_loaded_before_the_first_job(service: str, queue: str, command: str, place: str) -> None:
    module, _, _ = place.partition(":")
    assert module.startswith(f"modelbus.{service}.handlers.")
    assert module in SERVICES[service].PRELOAD


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_itself_loads_no_handler(service: str) -> None:
    look = f"import sys, modelbus.{service}.__main__; print(*(name for name in sys.modules if '.handlers' in name))"
    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in loaded if name.startswith("modelbus.")] == []

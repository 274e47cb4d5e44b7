"""The contents of unreadable messages: whether they are readable now, and their jobs."""

from typing import Any
from uuid import NAMESPACE_OID, uuid5

from modelbus.shared.contracts import Command, parse_command_of_queue
from modelbus.shared.contracts.base import canonical_uuid
from modelbus.shared.contracts.documents.letter_documents import MessageDocument
from modelbus.shared.contracts.json_bodies import commands_of, read_json
from modelbus.shared.errors import BadRequest, InvalidCommand
from modelbus.shared.store.jobs.acceptance import QUEUE_OWNER, new_job
from modelbus.shared.store.letters.dead_letters import MessageLetter
from modelbus.shared.store.operation import NewJob


def checked_body(body: Any, queue: str) -> list[Command]:
    """The commands in the body of a message.

    Raises:
        InvalidCommand: The body is neither a command nor an array of commands, or one is invalid or belongs to another
            queue; ``details`` say where.
    """
    if isinstance(body, dict):
        return [parse_command_of_queue(body, queue)]
    try:
        documents = commands_of(body)
    except BadRequest as error:
        raise InvalidCommand(error.message) from error
    return [_element(document, number, queue) for number, document in enumerate(documents)]


def present_body(letter: MessageLetter[MessageDocument]) -> Any:
    """The body that a replay would send: the edited one, otherwise the original.

    Raises:
        InvalidCommand: The body is not JSON, or has a duplicate key.
    """
    message = letter.document
    draft = message.get("draft")
    raw = draft["body"] if draft else message["raw"]
    try:
        return read_json(raw)
    except BadRequest as error:
        raise InvalidCommand(f"{error.message}; edit it with PUT /dead-letters/{letter.id}") from error


def jobs_of(letter: MessageLetter[MessageDocument]) -> list[NewJob]:
    """The jobs of a message, with stable ids: those of its commands, or derived ones.

    Raises:
        InvalidCommand: The message is still unreadable.
    """
    commands = checked_body(present_body(letter), letter.document["queue"])
    return [
        new_job(
            command,
            command.correlation_id or _derived_id(letter.document, number, is_alone=len(commands) == 1),
            door="queue",
            owner=QUEUE_OWNER,
            reply_to=letter.document["reply_to"],
            given_correlation_id=letter.document["correlation_id"],
        )
        for number, command in enumerate(commands)
    ]


def _derived_id(message: MessageDocument, number: int, *, is_alone: bool) -> str:
    given = canonical_uuid(message["correlation_id"]) if is_alone else None
    return given or str(uuid5(NAMESPACE_OID, f"{message['_id']}/{number}"))


def _element(document: Any, number: int, queue: str) -> Command:
    try:
        return parse_command_of_queue(document, queue)
    except InvalidCommand as error:
        details = [{**detail, "where": f"{number}.{detail.get('where', '')}"} for detail in error.details]
        raise InvalidCommand(f"command {number}: {error.message}", details=details) from error

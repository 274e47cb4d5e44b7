"""Dead letters as the gateway returns them."""

import base64
from typing import Any, Final

from modelbus.gateway.views.poison_bodies import checked_body, present_body
from modelbus.shared.contracts.documents.job_documents import DeadJob, JobDocument
from modelbus.shared.contracts.documents.letter_documents import ListedMessage, MessageDocument
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.store.letters.dead_letters import DeadLetter, ListedLetter, MessageLetter

_TEXT_LIMIT: Final = 20_000
"""The maximum number of characters shown of a message; its content can be downloaded."""
_BASE64_LIMIT_BYTES: Final = 64 * 1024


def summary_of(letter: ListedLetter) -> dict[str, Any]:
    """The summary of a dead letter."""
    own = _job_summary(letter.document) if letter.kind == "job" else _message_summary(letter.document)
    return {
        "id": letter.id,
        "kind": letter.kind,
        "queue": letter.document["queue"],
        "at": letter.at,
        "is_edited": bool(letter.document.get("draft")),
        **own,
    }


def _job_summary(job: DeadJob) -> dict[str, Any]:
    error = job.get("error")
    return {
        "correlation_id": job["_id"],
        "command": job["command"],
        "code": error["code"] if error else None,
        "reason": error["message"] if error else None,
        "attempts": job["attempt"],
    }


def _message_summary(message: ListedMessage) -> dict[str, Any]:
    return {
        "correlation_id": message["correlation_id"],
        "code": "poison",
        "reason": message["reason"],
        "size_bytes": message["size_bytes"],
    }


def detail_of(letter: DeadLetter) -> dict[str, Any]:
    """A complete dead letter except for its log lines."""
    more = _job_detail(letter.document) if letter.kind == "job" else _message_detail(letter)
    history = letter.document.get("history", [])
    links = {"self": f"/dead-letters/{letter.id}", "replay": f"/dead-letters/{letter.id}/replay"}
    return {**summary_of(letter), **more, "history": history, "links": links}


def _job_detail(job: JobDocument) -> dict[str, Any]:
    draft = job.get("draft")
    return {
        "max_attempts": job["max_attempts"],
        "error": job.get("error"),
        "spec": job["spec"],
        "edited_spec": draft["spec"] if draft else None,
        "edited_at": draft["at"] if draft else None,
        "first_spec": job.get("first_spec"),
        "owner": job["owner"],
        "created_at": job["created_at"],
        "expires_at": job.get("expires_at"),
    }


def _message_detail(letter: MessageLetter[MessageDocument]) -> dict[str, Any]:
    message = letter.document
    raw = message["raw"]
    text = raw[: 4 * _TEXT_LIMIT].decode("utf-8", "backslashreplace")
    draft = message.get("draft")
    return {
        "service": message["service"],
        "reply_to": message["reply_to"],
        "text": text[:_TEXT_LIMIT],
        "is_text_cut": len(text) > _TEXT_LIMIT or len(raw) > 4 * _TEXT_LIMIT,
        "base64": base64.b64encode(raw).decode() if len(raw) <= _BASE64_LIMIT_BYTES else None,
        "edited_body": present_body(letter) if draft else None,
        "edited_at": draft["at"] if draft else None,
        "problem": _problem(letter),
        "expires_at": message["expires_at"],
    }


def _problem(letter: MessageLetter[MessageDocument]) -> dict[str, Any] | None:
    """The reason why a replay would be refused, or None."""
    try:
        checked_body(present_body(letter), letter.document["queue"])
    except InvalidCommand as error:
        return {"code": error.code, "message": error.message, "details": error.details}
    return None

"""Dead letters as the gateway answers them."""

import base64
from typing import Any, Final

from modelbus.gateway.views.poison_bodies import checked_body, present_body
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.store.letters.dead_letters import DeadLetter

_TEXT_LIMIT: Final = 20_000
"""Characters of a message that are shown; its content can be downloaded."""
_BASE64_LIMIT_BYTES: Final = 64 * 1024


def summary_of(letter: DeadLetter) -> dict[str, Any]:
    """What a list shows of a dead letter."""
    document = letter.document
    common = {
        "id": letter.id,
        "kind": letter.kind,
        "queue": document["queue"],
        "at": letter.at,
        "is_edited": bool(document.get("draft")),
    }
    if letter.kind == "job":
        error = document["error"] or {}
        return {
            **common,
            "correlation_id": letter.id,
            "command": document["command"],
            "code": error.get("code"),
            "reason": error.get("message"),
            "attempts": document["attempt"],
        }
    return {
        **common,
        "correlation_id": document["correlation_id"],
        "code": "poison",
        "reason": document["reason"],
        "size_bytes": document["size_bytes"],
    }


def detail_of(letter: DeadLetter) -> dict[str, Any]:
    """All that is known of a dead letter, but for its log lines."""
    document = letter.document
    more = _job_detail(document) if letter.kind == "job" else _message_detail(letter)
    links = {"self": f"/dead-letters/{letter.id}", "replay": f"/dead-letters/{letter.id}/replay"}
    return {**summary_of(letter), **more, "history": document["history"], "links": links}


def _job_detail(job: dict[str, Any]) -> dict[str, Any]:
    draft = job.get("draft")
    return {
        "max_attempts": job["max_attempts"],
        "error": job["error"],
        "spec": job["spec"],
        "edited_spec": draft["spec"] if draft else None,
        "edited_at": draft["at"] if draft else None,
        "first_spec": job.get("first_spec"),
        "owner": job["owner"],
        "created_at": job["created_at"],
        "expires_at": job["expires_at"],
    }


def _message_detail(letter: DeadLetter) -> dict[str, Any]:
    message = letter.document
    raw: bytes = message["raw"]
    text = raw[: 4 * _TEXT_LIMIT].decode("utf-8", "backslashreplace")
    draft = message["draft"]
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


def _problem(letter: DeadLetter) -> dict[str, Any] | None:
    """Why a replay would be refused; None if it would not."""
    try:
        checked_body(present_body(letter), letter.document["queue"])
    except InvalidCommand as error:
        return {"code": error.code, "message": error.message, "details": error.details}
    return None

"""When a request is sent again, and after how long.

Again only where that is harmless: nothing arrived, or the request reads, or sets what it names, or makes a job whose
correlation id it carries, so that the gateway knows the second one for the first.
"""

import logging
import random
from typing import Any, Final

import tenacity

from modelbus.client.calls import Call
from modelbus.client.client_errors import GatewayUnreachable, UnexpectedAnswer
from modelbus.shared.errors import BacklogFull, ModelbusError, Unavailable

log = logging.getLogger("modelbus.client")

_BACKOFF = tenacity.wait_random_exponential(multiplier=0.2, max=5.0)
_JITTER: Final = 0.25


def policy(call: Call, retry_s: float) -> dict[str, Any]:
    """How tenacity is to repeat a call.

    Args:
        call: The call.
        retry_s: No further try begins so many seconds after the first one.
    """
    return {
        "retry": tenacity.retry_if_exception(lambda error: is_worth_repeating(error, call)),
        "wait": pause_s,
        "stop": tenacity.stop_before_delay(retry_s),
        "before_sleep": _tell,
        "reraise": True,
    }


def is_worth_repeating(error: BaseException, call: Call) -> bool:
    """Whether the same call may go well later, and does no harm if it went well already."""
    if call.upload is not None and not call.upload.is_repeatable:
        return False
    if isinstance(error, GatewayUnreachable):
        return call.is_repeatable or not error.may_have_arrived
    if isinstance(error, BacklogFull):
        return True  # nothing was accepted
    if isinstance(error, Unavailable):
        return call.is_repeatable
    return isinstance(error, UnexpectedAnswer) and error.is_passing and call.is_repeatable


def pause_s(state: tenacity.RetryCallState) -> float:
    """Seconds until the next try: growing, random, and no less than the gateway asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked = (error.retry_after_s if isinstance(error, ModelbusError) else None) or 0.0
    return max(_BACKOFF(state), asked * (1 + _JITTER * random.random()))  # noqa: S311 - spreads load, guards nothing


def _tell(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.info("try %d failed, next in %.1f s: %s", state.attempt_number, state.upcoming_sleep, error)

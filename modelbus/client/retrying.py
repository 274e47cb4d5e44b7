"""When a request is repeated, and after how long.

Only where that is harmless: nothing arrived, or the request reads, or is idempotent, or creates a job under the
correlation id that it carries, so that the gateway recognizes the repetition.
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
    """The arguments for tenacity to repeat a call.

    Args:
        call: The call.
        retry_s: Seconds after the first try during which further ones begin.
    """
    return {
        "retry": tenacity.retry_if_exception(lambda error: is_worth_repeating(error, call)),
        "wait": pause_s,
        "stop": tenacity.stop_before_delay(retry_s),
        "before_sleep": _log,
        "reraise": True,
    }


def is_worth_repeating(error: BaseException, call: Call) -> bool:
    """Whether a repetition may succeed, and is harmless if the first call has arrived."""
    if call.upload is not None and not call.upload.is_repeatable:
        return False
    if isinstance(error, GatewayUnreachable):
        return error.is_passing and (call.is_repeatable or not error.may_have_arrived)
    if isinstance(error, BacklogFull):
        return True  # nothing was accepted
    if isinstance(error, Unavailable):
        return call.is_repeatable
    return isinstance(error, UnexpectedAnswer) and error.is_passing and call.is_repeatable


def pause_s(state: tenacity.RetryCallState) -> float:
    """Seconds until the next try: growing, random, and no less than ``Retry-After``."""
    error = state.outcome.exception() if state.outcome else None
    minimum_s = (error.retry_after_s if isinstance(error, ModelbusError) else None) or 0.0
    return max(_BACKOFF(state), minimum_s * (1 + _JITTER * random.random()))  # noqa: S311 - spreads load, not for secrets


def _log(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.info("try %d failed; retrying in %.1f s: %s", state.attempt_number, state.upcoming_sleep, error)

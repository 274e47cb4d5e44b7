"""The message bus; the only package that uses kombu. Messages only wake services up; jobs are recorded in MongoDB."""

from modelbus.shared.bus.consumer import Consumer, Delivery
from modelbus.shared.bus.events import EventPublisher, EventSubscriber
from modelbus.shared.bus.poison import PoisonMessage, PoisonReader
from modelbus.shared.bus.publisher import Publisher
from modelbus.shared.bus.queues import QUEUES, poison_queue
from modelbus.shared.bus.recorded import recorded_id, recorded_message, send_recorded

__all__ = [
    "QUEUES",
    "Consumer",
    "Delivery",
    "EventPublisher",
    "EventSubscriber",
    "PoisonMessage",
    "PoisonReader",
    "Publisher",
    "poison_queue",
    "recorded_id",
    "recorded_message",
    "send_recorded",
]

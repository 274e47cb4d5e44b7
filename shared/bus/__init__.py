"""The bus: the only door to kombu. Messages are wake-ups; the record of every job is in MongoDB (``shared.store``)."""

from shared.bus.consumer import Consumer, Delivery
from shared.bus.events import EventPublisher, EventSubscriber
from shared.bus.poison import PoisonMessage, PoisonReader
from shared.bus.publisher import Publisher
from shared.bus.queues import QUEUES, poison_queue

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
]

"""A link to Redis that is dead and does not say so: found out and replaced.

What Redis hands to the dead link meanwhile is gone: Redis believes the client alive and pops a message for it. That is
why a message is only a wake-up (docs/adr/0001); `test_sweep.py` shows that a job whose message is gone is sent again.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from modelbus.shared.bus import Consumer, Publisher
from modelbus.stack import LocalStack
from tests.integration.black_hole import black_hole
from tests.waiting import wait_until

HALF_OPEN_TIMEOUT_S = 60.0
"""Far more than the health checks need (about 1 + 2·5 + 5 s)."""


@pytest.mark.timeout(180)
def test_a_consumer_behind_a_dead_link_finds_out_and_consumes_again(servers: LocalStack) -> None:
    address = urlsplit(servers.bus_url)
    assert address.port is not None
    direct = Publisher(servers.bus_url, "test")
    with black_hole(str(address.hostname), address.port) as proxy:
        consumer = Consumer(
            f"redis://127.0.0.1:{proxy.port}/0", "half-open", ["evaluate"], prefetch=10, message_limit_bytes=10_000
        )
        received: list[int] = []

        def has(count: int) -> Callable[[], bool]:
            def receive() -> bool:
                deliveries = consumer.receive(0.2, 10)
                received.extend(delivery.documents[0]["number"] for delivery in deliveries)
                consumer.acknowledge(deliveries)
                return len(set(received)) >= count

            return receive

        direct.send("evaluate", {"number": 0})
        wait_until(has(1), "the first message comes")
        assert proxy.swallow() > 0
        for number in range(1, 6):
            direct.send("evaluate", {"number": number})
        # The first of them may have been handed to the dead link.
        wait_until(has(5), "the messages come", HALF_OPEN_TIMEOUT_S, state=lambda: received)
        consumer.close()
    direct.close()
    assert set(range(2, 6)) <= set(received)


@pytest.mark.timeout(180)
def test_a_publisher_behind_a_dead_link_sends_by_a_new_one(servers: LocalStack) -> None:
    address = urlsplit(servers.bus_url)
    assert address.port is not None
    direct = Publisher(servers.bus_url, "test")
    with black_hole(str(address.hostname), address.port) as proxy:
        publisher = Publisher(f"redis://127.0.0.1:{proxy.port}/0", "half-open")
        publisher.send("profile", {"number": 0})
        assert proxy.swallow() > 0
        publisher.send("profile", {"number": 1})
        assert direct.queue_depth("profile") >= 2
        publisher.close()
    direct.close()

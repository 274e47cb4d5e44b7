"""Lines on their way into MongoDB and back: batches, order, outages, retention."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from bson import Timestamp
from pymongo.database import Database

from modelbus.shared.observing.log_shipper import LoggedLine, LogShipper
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document, open_async_store, open_store
from modelbus.shared.store.indexes import LOG_BATCHES
from modelbus.shared.store.logs.log_batches import LogBatches, open_log_shipper
from modelbus.shared.store.logs.log_reading import LogLines, LogQuery, Stretch
from tests.waiting import wait_until

MOMENT = datetime(2031, 5, 4, 12, 0, 0, tzinfo=UTC)
LONG_S = 20.0


def line(seconds: float, event: str = "job.finished", level: str = "info", **fields: Any) -> LoggedLine:
    at = (MOMENT + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    text = json.dumps({"timestamp": at, "level": level, "service": "x", "event": event, **fields})
    one, many = fields.get("correlation_id"), fields.get("correlation_ids", [])
    return LoggedLine(text.encode(), at, level, (*many, *([one] if one else [])))


Write = Callable[..., None]


@pytest.fixture
def write(indexed: Database[Document]) -> Write:
    """Writes lines of a service, as one batch of its shipper."""

    def write(service: str, *lines: LoggedLine) -> None:
        batches = LogBatches(indexed, service, retention_s=3600)
        batches.write(batches.batch(lines))

    return write


@pytest.fixture
async def lines(settings: Settings) -> AsyncIterator[LogLines]:
    """The same lines, as the gateway reads them."""
    database = open_async_store(settings)
    yield LogLines(database)
    await database.client.close()


def named(found: list[Any]) -> list[str]:
    return [one.fields["event"] for one in found]


async def test_lines_of_three_services_are_merged_in_time_order(write: Write, lines: LogLines) -> None:
    write("gateway", line(0, "a"), line(3, "d"), line(6, "g"))
    write("trainer", line(1, "b"), line(5, "f"))
    write("predictor", line(2, "c"), line(4, "e"))
    assert named(await lines.last(LogQuery(), 100)) == list("abcdefg")
    assert named(await lines.last(LogQuery(), 3)) == list("efg")
    assert named(await lines.last(LogQuery(("gateway", "trainer")), 3)) == list("dfg")


async def test_the_last_lines_are_found_though_batches_overlap_and_arrive_out_of_order(
    write: Write, lines: LogLines
) -> None:
    write("trainer", line(10, "last"), line(11, "very last"))
    for number in range(40):
        write("gateway", line(number / 10, f"g{number}"), line(number / 10 + 8, f"h{number}"))
    write("predictor", line(9.95, "late arrival"))
    found = await lines.last(LogQuery(), 200)
    assert len(found) == 83
    assert [one.at for one in found] == sorted(one.at for one in found)
    for count in (1, 2, 3, 17, 41):
        assert [one.id for one in await lines.last(LogQuery(), count)] == [one.id for one in found[-count:]]


async def test_pages_into_the_past_have_each_line_once(write: Write, lines: LogLines) -> None:
    for number in range(30):
        write("gateway", line(number * 10, "a"), line(number * 10 + 25, "b"), line(number * 10, "c"))
    whole = [one.id for one in await lines.last(LogQuery(), 1000)]
    pages: list[str] = []
    before = None
    while page := await lines.last(LogQuery(), 7, before=before):
        pages = [*(one.id for one in page), *pages]
        before = (page[0].at, page[0].id)
    assert pages == whole


async def test_lines_are_found_by_level_job_and_time(write: Write, lines: LogLines) -> None:
    job, other = str(uuid4()), str(uuid4())
    write("trainer", line(0, "a", correlation_id=job), line(1, "b", "warning"), line(2, "c", correlation_id=other))
    write("predictor", line(3, "d", correlation_ids=[other, job]), line(4, "e", "debug"), line(5, "f", "error"))
    assert named(await lines.last(LogQuery(level="warning"), 10)) == ["b", "f"]
    assert named(await lines.last(LogQuery(level="info"), 10)) == ["a", "b", "c", "d", "f"]
    assert named(await lines.last(LogQuery(correlation_id=job), 10)) == ["a", "d"]
    assert named(await lines.last(LogQuery(since=MOMENT + timedelta(seconds=3)), 10)) == ["d", "e", "f"]
    together = (await lines.last(LogQuery(correlation_id=job), 10))[-1].fields
    assert (together["correlation_id"], together["together"], "correlation_ids" in together) == (job, 2, False)


async def _followed(lines: LogLines, start: Timestamp, count: int) -> list[Stretch]:
    """What arrives after a moment, in stretches, until so many lines have come."""
    stretches: list[Stretch] = []
    async with asyncio.timeout(LONG_S):
        while sum(len(one.lines) for one in stretches) < count:
            stretches.append(await lines.following(LogQuery(), start))
            start = stretches[-1].end
            await asyncio.sleep(0.05)
    return stretches


async def test_a_line_that_arrives_late_is_told_late_and_once(write: Write, lines: LogLines) -> None:
    write("gateway", line(100, "new"))
    first = await _followed(lines, Timestamp(0, 1), 1)
    write("trainer", line(1, "old, from an outage"))
    write("gateway", line(101, "newer"))
    then = await _followed(lines, first[-1].end, 2)
    assert [named(one.lines) for one in first if one.lines] == [["new"]]
    assert [event for one in then for event in named(one.lines)] == ["old, from an outage", "newer"]


async def test_whoever_goes_on_from_any_place_has_each_line_once(write: Write, lines: LogLines) -> None:
    for number in range(12):
        write("gateway", line(number, f"a{number}"), line(number + 30, f"b{number}"))
    stretches = await _followed(lines, Timestamp(0, 1), 24)
    told = [one for stretch in stretches for one in stretch.lines]
    assert len({one.id for one in told}) == 24
    for stretch in stretches:
        for number, (_, place) in enumerate(stretch.places(), 1):
            rest = await lines.rest(LogQuery(), place)
            assert [one.id for one in rest.lines] == [one.id for one in stretch.lines[number:]]
            assert rest.end == stretch.end


async def test_following_begins_where_the_last_lines_end(write: Write, lines: LogLines) -> None:
    write("gateway", line(0, "a"), line(1, "b"), line(2, "c"))
    await _followed(lines, Timestamp(0, 1), 3)  # so that it has arrived for good
    recent = await lines.recent(LogQuery(), 2)
    write("gateway", line(3, "d"))
    following = await _followed(lines, recent.end, 1)
    assert named(recent.lines) == ["b", "c"]
    assert [event for one in following for event in named(one.lines)] == ["d"]
    place = next(iter(recent.places()))[1]
    assert named((await lines.rest(LogQuery(), place)).lines) == ["c"]


def test_a_batch_that_is_written_twice_is_there_once(indexed: Database[Document]) -> None:
    batches = LogBatches(indexed, "trainer", retention_s=3600)
    made = batches.batch([line(0), line(1)])
    batches.write(made)
    batches.write(made)
    assert indexed[LOG_BATCHES].count_documents({}) == 1
    assert indexed[LOG_BATCHES].find_one({})["stored"].time > 0  # type: ignore[index]


def test_lines_that_are_far_from_each_other_are_in_batches_of_their_own(indexed: Database[Document]) -> None:
    batches = LogBatches(indexed, "trainer", retention_s=3600)
    made = batches.batch([line(0), line(1), line(500), line(-500)])
    assert [len(one["lines"]) for one in made] == [2, 1, 1]


def test_a_line_that_is_far_too_long_keeps_what_every_line_has(indexed: Database[Document]) -> None:
    [made] = LogBatches(indexed, "trainer", retention_s=60).batch(
        [line(0, "long", **{f"f{n}": "x" * 4000 for n in range(30)})]
    )
    kept = json.loads(made["lines"][0])
    assert (kept["event"], kept["service"]) == ("long", "x")
    assert "bytes" in kept["cut"]
    assert len(made["lines"][0]) < 1000


def test_lines_expire_and_the_oldest_go_when_there_are_too_many(indexed: Database[Document]) -> None:
    index = indexed[LOG_BATCHES].index_information()["expires_at_1"]
    assert index["expireAfterSeconds"] == 0
    batches = LogBatches(indexed, "trainer", retention_s=3600)
    for number in range(50):
        batches.write(batches.batch([line(number * 100, text="x" * 3000)]))
    left = (indexed[LOG_BATCHES].find_one({})["expires_at"] - datetime.now(UTC)).total_seconds()  # type: ignore[index]
    assert 3000 < left <= 3600
    size = next(iter(indexed[LOG_BATCHES].aggregate([{"$collStats": {"storageStats": {}}}])))["storageStats"]["size"]
    assert batches.trim(size) == 0
    removed = batches.trim(size // 2)
    assert 20 <= removed <= 30
    kept = indexed[LOG_BATCHES].find().sort("last_at", 1).to_list()
    assert kept[0]["last_at"] == MOMENT + timedelta(seconds=removed * 100)


# --- the shipper ---


class Away(LogBatches):
    """A store that can be away: its client leads nowhere while it is."""

    def __init__(self, settings: Settings) -> None:
        nowhere = Settings(mongo_url="mongodb://127.0.0.1:1/?directConnection=true")  # type: ignore[arg-type]
        self._present = LogBatches(open_store(settings), "trainer", retention_s=3600)
        self._absent = LogBatches(open_store(nowhere, serverSelectionTimeoutMS=50), "trainer", retention_s=3600)
        self.is_away = True
        self.tries = 0

    def batch(self, lines: Any) -> list[Document]:
        return self._present.batch(lines)

    def close(self) -> None:
        self._present.close()
        self._absent.close()

    def write(self, batch: list[Document]) -> None:
        self.tries += 1
        (self._absent if self.is_away else self._present).write(batch)


def put(shipper: LogShipper, number: int, size: int = 10) -> None:
    made = line(number, f"e{number}", text="x" * size)
    shipper.put(made.text, {"timestamp": made.timestamp, "level": made.level})


def kept_events(database: Database[Document]) -> list[str]:
    batches = database[LOG_BATCHES].find().sort("first_at", 1)
    return [json.loads(text)["event"] for batch in batches for text in batch["lines"]]


def test_nothing_is_lost_that_fits_while_mongodb_is_away(settings: Settings, indexed: Database[Document]) -> None:
    store = Away(settings)
    shipper = LogShipper(store, buffer_bytes=1_000_000, pause_s=0.01)
    shipper.start()
    for number in range(10):
        put(shipper, number)
    wait_until(lambda: store.tries >= 1, "it was tried in vain")
    for number in range(10, 20):
        put(shipper, number)
    store.is_away = False
    own = [f"e{number}" for number in range(20)]
    wait_until(
        lambda: [e for e in kept_events(indexed) if e in own] == own, "all are kept", state=lambda: kept_events(indexed)
    )
    shipper.stop()


def test_the_oldest_lines_go_when_there_is_no_place_and_their_number_is_told(
    settings: Settings, indexed: Database[Document], logged: list[Any]
) -> None:
    store = Away(settings)
    shipper = LogShipper(store, buffer_bytes=100_000, pause_s=0.01)
    for number in range(100):
        put(shipper, number, size=5000)
    shipper.start()
    wait_until(lambda: store.tries >= 1, "it was tried in vain")
    store.is_away = False
    wait_until(lambda: "e99" in kept_events(indexed), "the newest line is kept")
    shipper.stop()
    kept = kept_events(indexed)
    assert kept == [f"e{number}" for number in range(100 - len(kept), 100)]
    assert 0 < len(kept) < 25
    told = [one for one in logged if one["event"].startswith("logs.")]
    assert [one["event"] for one in told] == ["logs.not_shipped", "logs.shipped_again"]
    assert told[-1]["lost_lines"] == 100 - len(kept)


def test_what_waits_is_written_when_the_process_stops(settings: Settings, indexed: Database[Document]) -> None:
    shipper = open_log_shipper(settings, "trainer")
    assert shipper is not None
    shipper.start()
    put(shipper, 1)
    shipper.stop()
    assert kept_events(indexed) == ["e1"]


def test_a_store_that_refuses_ends_no_shipping(settings: Settings, logged: list[Any]) -> None:
    class Refusing(Away):
        def write(self, batch: list[Document]) -> None:
            self.tries += 1
            if self.tries == 1:
                raise ValueError("no")
            self._present.write(batch)

    store = Refusing(settings)
    shipper = LogShipper(store, buffer_bytes=100_000, pause_s=0.01)
    put(shipper, 1)
    shipper.start()
    wait_until(lambda: store.tries == 1, "it was refused")
    put(shipper, 2)
    wait_until(lambda: store.tries == 2, "the next one is tried")
    shipper.stop()
    told = [(one["event"], one.get("lost_lines")) for one in logged if one["event"].startswith("logs.")]
    assert told == [("logs.refused", None), ("logs.shipped_again", 1)]


def test_shipping_can_be_turned_off(settings: Settings) -> None:
    assert open_log_shipper(settings.model_copy(update={"log_shipping": False}), "trainer") is None

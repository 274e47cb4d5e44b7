"""Every text that users read is plain English: no phrase of a translation (``tests/plain_english.py`` lists them)."""

from pathlib import Path

import pytest

from tests.plain_english import EVERYTHING, PHRASES, ROOT, Phrase, Text, faults_of, findings, texts

GOOD = (
    "The job is no longer queued, and there is no worker.",
    "The job has not ended, and its worker has not been lost.",
    "Users who have a key send it in a header. Who can read a record?",
    "The margin by which the new version must be better.",
    "All columns except the target; all but one of them are numeric.",
    "One of the rows, most of them, and each of the two columns.",
    "The values tell two classes apart, and the message tells the user what to do.",
    "Events from now on; the range is from 1 to 10; from here on the job is recorded.",
    "There are no jobs, and that there is a dataset is checked first.",
    "The field is required. It is of course case-sensitive.",
    "`so many` and ``whoever`` in code are names.",
    "Dates must be written in ISO 8601.",
    "See it work, from a checkout on Linux.",
    "The reason for each metric that is None.",
    "Estimators whose shapes are not known are called with 8 rows at a time.",
)


def words(text: str) -> Text:
    return Text("a text", 1, text)


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.example)
def test_each_phrase_is_found_in_its_example_and_has_a_better_one(phrase: Phrase) -> None:
    assert phrase.better in [one.better for one in faults_of(words(phrase.example))]


@pytest.mark.parametrize("good", GOOD)
def test_good_english_is_left_in_peace(good: str) -> None:
    assert [str(one) for one in faults_of(words(good))] == []


def test_each_kind_of_text_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.plain_english.ROOT", tmp_path)
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "code.py").write_text(
        '''"""Of a module, which is not shown."""

LOG = "a message that is put aside"

class Field:
    """Shown: so many."""

    name: str
    """Shown: whoever."""

    def method(self, count: int) -> str:
        """Not shown: so many."""
        return f"{count} row(s) of {self.name}"

@app.command("x")
def command() -> None:
    """Shown: all the same."""
'''
    )
    (tmp_path / "page.md").write_text(
        "# Title\n\n| a | b |\n| --- | --- |\n| x | Who takes it |\n\n```\nso many\n```\n"
    )

    found = [(one.text.line, one.found) for one in findings(["room", "page.md"])]

    assert sorted(line for line, _ in found) == [3, 5, 6, 9, 13, 17]
    assert any("row(s)" in words for _, words in found)


def test_every_room_has_texts() -> None:
    assert {room for room in EVERYTHING if not (ROOT / room).exists()} == set()
    assert {room for room in EVERYTHING if next(texts([room]), None) is None} == set()


def test_no_text_has_a_phrase_of_a_translation() -> None:
    assert [str(one) for one in findings()] == []

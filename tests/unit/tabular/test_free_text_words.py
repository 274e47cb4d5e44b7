"""What counts as a word of a text, and how words are spelled."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelbus.shared.tabular.encoding.free_text.free_text_words import LONGEST_TEXT, join_pairs, spell, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't STOP, it's great.", ["don't", "stop", "it's", "great"]),
        ("Don\u2019t (really) go \u2014 \u201cnow\u201d!", ["don't", "really", "go", "now", "!"]),
        ("win $100 or 5% now!!", ["win", "$", "100", "or", "5", "%", "now", "!", "!"]),
        ("call 07700900123 before 1066", ["call", "#11", "before", "1066"]),
        ("STRASSE und Straße", ["strasse", "und", "strasse"]),
        ("\ufb01ne \uff46ull", ["fine", "full"]),
        ("很好 good", ["很", "好", "good"]),
        ("とても", ["と", "て", "も"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("nice 👍🏽", ["nice", "👍", "🏽"]),
        ("x_1 e-mail", ["x_1", "e", "mail"]),
        ("… . , ;", []),
        ("", []),
    ],
)
def test_a_text_is_cut_into_the_words_that_people_see(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@given(st.text())
def test_spellings_that_look_alike_have_the_same_words(text: str) -> None:
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert split_words(forms[0]) == split_words(forms[1])
    assert all(word and not any(sign.isspace() for sign in word) for word in split_words(text))


def test_ascii_is_cut_as_other_text_is() -> None:
    text = "It's 3 o'clock: pay $5 (or don't), 'quoted' e-mail_x 123456!"
    assert split_words(text) == split_words(f"{text} é")[:-1]


def test_what_lies_behind_the_longest_text_is_passed_over() -> None:
    beginning = "word " * (LONGEST_TEXT // 5)
    assert split_words(beginning + "last" * 1000) == ["word"] * (LONGEST_TEXT // 5)
    assert len(split_words("ﷺ" * 1_000_000)) <= LONGEST_TEXT


def test_a_word_is_spelled_by_its_runs_of_characters() -> None:
    assert spell("abc") == ["<ab", "abc", "bc>", "<abc", "abc>"]
    assert spell("a") == ["<a>"]
    assert len(spell("x" * 100_000)) < 100
    assert join_pairs(["a", "b", "c"]) == ["a b", "b c"]
    assert join_pairs(["a"]) == []

"""Messages and reviews as people write them, generated: for the tests of free text."""

from typing import Any

import numpy as np
import pandas as pd

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.encoding.encoder import TabularEncoder

COLUMN = SignatureColumn(name="message", type="text", is_free_text=True)

_OPENINGS = ("hi", "hello there", "dear customer", "hey", "good morning", "attention", "sorry", "ok so", "well", "hmm")
_SPAM = (
    "you have won a prize of {n} pounds",
    "call {phone} now to claim your free ticket",
    "reply WIN to stop paying for texts",
    "urgent, your account is locked, verify it at once",
    "cheap loans for everybody, no questions",
    "congratulations!!! you were chosen",
)
_HAM = (
    "shall we meet at {n} near the station",
    "the children are asleep already",
    "i will be late, the train did not come",
    "thanks for dinner, it was lovely",
    "can you bring {n} eggs and some bread",
    "my sister says she likes the green one better",
)
_FILLERS = ("please", "today", "really", "again", "as soon as you can", "i think", "by the way", "don't forget", "ok?")


def messages(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Messages, and of each whether it is ``spam`` or ``ham``; hardly two are alike."""
    random = np.random.default_rng(seed)
    kinds = random.choice(["spam", "ham"], count, p=[0.3, 0.7]).tolist()
    return [_message(random, _SPAM if kind == "spam" else _HAM) for kind in kinds], kinds


def _message(random: np.random.Generator, sentences: tuple[str, ...]) -> str:
    said = random.choice(sentences, 2, replace=False)
    parts = [random.choice(_OPENINGS), said[0], random.choice(_FILLERS), said[1], random.choice(_FILLERS)]
    text = " ".join(map(str, parts)).format(n=random.integers(2, 900), phone=random.integers(10**9, 10**10))
    return text if random.random() < 0.9 else text.upper()


def learn(texts: list[Any], target: Any = None, *, task: Any = "classification", **options: Any) -> TabularEncoder:
    """An encoder of one column of free text; without a target it learns an arbitrary one."""
    encoder = TabularEncoder()
    values = np.arange(len(texts)) % 2 if target is None else target
    encoder.fit_transform(frame_of(texts), values, [COLUMN], task, options.pop("seed", 0), **options)
    return encoder


def frame_of(texts: list[Any]) -> pd.DataFrame:
    """A table of one column."""
    return pd.DataFrame({"message": pd.Series(texts, dtype=object)})

"""The tables of the end-to-end tests, as CSV."""

import csv
import io
from datetime import date, timedelta

import numpy as np

from tests.unit.free_texts import messages


def parcels(count: int = 300, seed: int = 5) -> str:
    """A messy table: numbers with holes, text, dates, booleans; ``tariff`` follows from ``weight`` and ``express``."""
    random = np.random.default_rng(seed)
    lines = ["parcel,weight,city,sent_on,express,remark,tariff"]
    for number in range(count):
        weight = float(random.uniform(0.1, 30))
        is_express = bool(random.random() < 0.4)
        tariff = "heavy" if weight > 18 else "express" if is_express else "light"
        shown = "" if random.random() < 0.06 else f"{weight:.2f}"
        city = str(random.choice(["Zürich", "Malmö", '"Halle, Saale"', "Brno", ""]))
        sent_on = date(2024, 1, 1) + timedelta(days=int(random.integers(0, 700)))
        day = "" if random.random() < 0.05 else sent_on.strftime("%d.%m.%Y")
        lines.append(f"P{number:05d},{shown},{city},{day},{str(is_express).lower()},,{tariff}")
    return "\n".join(lines) + "\n"


PARCEL = {"weight": 4.5, "city": "Brno", "sent_on": "03.02.2025", "express": False}
"""One row of them, without the columns that tell nothing."""

MESSY = (
    'id,"say ""a"", b",=cmd,when,zoned,flag,amount,whole,nothing\n'
    '1,"x, ""y""\nz",=1+1,2024-01-31,2024-01-31T10:00:00+02:00,yes,1.5,1.0,\n'
    "2,,-gx,,,no,-inf,,\n"
    "3, Zürich kg,@gx,1999-12-31T23:59:59.5,2024-01-31T10:00:00Z,,1e300,-7.0,\n"
)
"""What makes trouble: quotes, line ends, formulas, zones, infinities, and text that almost is a number."""


def numbers(count: int, *, columns: int = 6, seed: int = 11) -> str:
    """Clean numbers ``a`` to ``f``; the class ``kind`` (three of them) and the number ``amount`` follow from them."""
    random = np.random.default_rng(seed)
    cells = random.normal(size=(count, columns)).round(5)
    amount = (3 * cells[:, 0] - 2 * cells[:, 1] + cells[:, 2] ** 2).round(5)
    kind = np.digitize(cells[:, 0] + cells[:, 1] * cells[:, 2], [-0.4, 0.6])
    names = [chr(ord("a") + index) for index in range(columns)]
    text = io.StringIO()
    text.write(",".join([*names, "amount", "kind"]) + "\n")
    for row, total, label in zip(cells.tolist(), amount.tolist(), kind.tolist(), strict=True):
        text.write(",".join(map(repr, row)) + f",{total!r},{['low', 'mid', 'high'][label]}\n")
    return text.getvalue()


def scored(count: int = 300, seed: int = 8) -> str:
    """Predictions of two classes beside the truth: ``truth``, ``guess``, ``p`` of ``good``, ``counts``, ``region``."""
    random = np.random.default_rng(seed)
    lines = ["truth,guess,p,counts,region"]
    for number in range(count):
        is_good = bool(random.random() < 0.4)
        share = min(max(random.normal(0.65 if is_good else 0.35, 0.2), 0), 1)
        region = ["north", "south", "<east>", ""][number % 4]
        words = ("good" if is_good else "bad", "good" if share > 0.5 else "bad")
        lines.append(f"{','.join(words)},{share:.4f},{random.integers(0, 4)},{region}")
    return "\n".join(lines) + "\n"


def steps(count: int, seed: int = 3) -> str:
    """One number and the stair ``step`` (six classes) that it stands on, without noise: the more rows, the better."""
    random = np.random.default_rng(seed)
    places = random.uniform(0, 6, count)
    return "place,step\n" + "".join(f"{place:.6f},s{int(place)}\n" for place in places)


def weighted() -> str:
    """200 clean rows with a weight, a day, and an id that tells nothing."""
    lines = numbers(200, columns=3).splitlines()
    rows = [
        f"{line},{1 + number % 3},2024-{number % 12 + 1:02d}-01,id{number}" for number, line in enumerate(lines[1:])
    ]
    return "\n".join([f"{lines[0]},weight,day,id", *rows]) + "\n"


def texts(row_count: int, seed: int) -> str:
    """A number, five columns of forty categories each, a weight, and a class that the number and a category say."""
    random = np.random.default_rng(seed)
    places, codes = random.normal(size=row_count).round(3), random.integers(0, 40, (row_count, 5))
    kinds = np.where(places + (codes[:, 0] < 20) > 0.5, "yes", "no")
    lines = ["place,t0,t1,t2,t3,t4,weight,kind"]
    for place, row, kind in zip(places.tolist(), codes.tolist(), kinds.tolist(), strict=True):
        lines.append(f"{place},{','.join(f'c{code}' for code in row)},{row[0] % 3},{kind}")
    return "\n".join(lines) + "\n"


def heaps(count: int = 300, seed: int = 2) -> str:
    """Points in three heaps, with one of 60 towns each, and the heap's letter."""
    random = np.random.default_rng(seed)
    lines = ["x,y,town,heap"]
    for number in range(count):
        heap = number % 3
        x, y = random.normal([0, 10, 20][heap], 1), random.normal([0, 10, 0][heap], 1)
        lines.append(f"{x:.4f},{y:.4f},town {number % 60},{'abc'[heap]}")
    return "\n".join(lines) + "\n"


def message_table(seed: int = 0, count: int = 500) -> str:
    """Messages, a number that tells nothing, names, and whether each is spam."""
    texts, kinds = messages(count, seed)
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["message", "n", "sender", "kind"])
    for n, (text, kind) in enumerate(zip(texts, kinds, strict=True)):
        writer.writerow([text, n % 7, f"Anna Smith {n % 90}", kind])
    return written.getvalue()

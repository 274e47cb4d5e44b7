"""``python text_by_skrub.py TEXTS MADE``: texts to features by skrub; run by an environment that has it."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from skrub import StringEncoder, TableVectorizer

texts, new_texts = json.loads(Path(sys.argv[1]).read_text())
vectorizer = TableVectorizer(high_cardinality=StringEncoder(random_state=0))
matrix = vectorizer.fit_transform(pd.DataFrame({"text": texts}))
new = vectorizer.transform(pd.DataFrame({"text": new_texts}))
np.savez(sys.argv[2], matrix=np.asarray(matrix, dtype=np.float64), new=np.asarray(new, dtype=np.float64))

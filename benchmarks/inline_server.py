"""What one would write without Modelbus: scikit-learn called inline in an aiohttp handler. Nothing is recorded.

``python -m benchmarks.inline_server MODEL PORT``: MODEL is a skops file of an estimator with its column names.
"""

import sys
from pathlib import Path

import pandas as pd
import skops.io
import uvloop
from aiohttp import web


def make_app(path: Path) -> web.Application:
    """The application: one model, one route."""
    payload = path.read_bytes()
    model = skops.io.loads(payload, trusted=["sklearn.tree._tree.Tree"])

    async def predict(request: web.Request) -> web.Response:
        rows = pd.DataFrame((await request.json())["rows"])
        return web.json_response({"predictions": model.predict(rows[list(model.feature_names_in_)]).tolist()})

    app = web.Application()
    app.router.add_post("/predict", predict)
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(make_app(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), print=None, access_log=None)

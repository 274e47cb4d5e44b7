"""What a type checker must refuse in a user's script, each line with the error that mypy names; never run."""

# ruff: noqa: B018 - what is wrong with each line is its point

from modelbus import Client

client = Client()
client.train("m", "d", "t", estimater="Ridge")  # error: call-arg
client.train("m", "d", "t", estimator="Ridge", promote="sometimes")  # error: arg-type
client.train("m", "d", "t", estimator="Ridge", seed="three")  # error: arg-type
client.evaluate("m", "d", slice=["a"])  # error: call-arg
client.explain("m", kinds=["importances"])  # error: list-item
client.learning_curve("m", fractions=0.5)  # error: arg-type
client.drift("m", row_limits=3)  # error: call-arg
client.models.retrain("m", tuning="again")  # error: arg-type
client.datasets.upload("shop.csv", delimeter=";")  # error: call-arg
client.datasets.upload("shop.csv", if_exists="keep")  # error: arg-type
client.datasets.upload(3)  # error: arg-type
client.predict("m", [1, 2])  # error: list-item
client.datasets.get("shop").colums  # error: attr-defined
client.train("m", "d", "t", estimator="Ridge").result().metrics.r2  # error: attr-defined
client.datasets.lists()  # error: attr-defined

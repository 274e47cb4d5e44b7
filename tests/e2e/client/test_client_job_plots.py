"""The Python client, both of its twins: plots of jobs, by the same words as those of evaluations."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from modelbus import errors
from tests.e2e.api import JOB_TIMEOUT_S

pytestmark = pytest.mark.timeout(240)


def test_plots_of_a_job_are_listed_read_and_saved(client: Any, amount_model: str, tmp_path: Path) -> None:
    asked = [client.explain(amount_model, repeats=2), client.learning_curve(amount_model, fractions=[0.5, 1.0])]
    for job in asked:
        job.result(JOB_TIMEOUT_S)
        names = job.plots()
        assert names
        for name in names:
            plot = job.plot(name)
            assert plot.name == name
            assert plot.layers or plot.matrix
            picture = job.download_plot(name, tmp_path / f"{name}.svg")
            assert ET.fromstring(picture.read_text()).tag.endswith("svg")
            points = job.download_plot(name, tmp_path / f"{name}.json")
            assert json.loads(points.read_text())["name"] == name
    assert client.jobs.get(asked[0].correlation_id).plots() == asked[0].plots()


def test_a_job_s_plot_that_is_not_there_leaves_no_file(
    client: Any, amount_model: str, number_dataset: str, tmp_path: Path
) -> None:
    job = client.explain(amount_model, repeats=2)
    job.result(JOB_TIMEOUT_S)
    with pytest.raises(errors.NotFound):
        job.plot("there_is_none")
    with pytest.raises(errors.NotFound):
        job.download_plot("there_is_none", tmp_path / "none.svg")
    with pytest.raises(errors.InvalidCommand, match=r"\.svg"):
        job.download_plot(job.plots()[0], tmp_path / "plot.png")
    drawing_nothing = client.predict_dataset(amount_model, number_dataset)
    drawing_nothing.wait(JOB_TIMEOUT_S)
    with pytest.raises(errors.NotFound):
        drawing_nothing.plots()
    assert list(tmp_path.iterdir()) == []

"""The story that each generated client tells: upload, train, predict, look, download, be refused, delete."""

import json
import sys

import modelbus_gateway as gateway


def main(url: str, table: str, name: str) -> None:
    """Tell it against a gateway; what came is printed as JSON.

    Args:
        url: The gateway's address.
        table: A CSV file.
        name: What the dataset and the model are called.
    """
    with gateway.ApiClient(gateway.Configuration(host=url)) as client:
        datasets, models, jobs = gateway.DatasetsApi(client), gateway.ModelsApi(client), gateway.JobsApi(client)
        uploaded = datasets.upload_dataset_with_http_info(name=name, file=table, wait=60)
        training = gateway.TrainModel(
            model=name, dataset=name, target="price", estimator="Ridge", tags={"by": "python"}
        )
        trained = models.train_model(train_model=training, wait=60)
        asked = gateway.PredictRequest(gateway.Predict(rows=[{"size": row_cell(2.0)}]))
        predicted = gateway.PredictionsApi(client).predict(reference=f"{name}@champion", predict_request=asked)
        content = datasets.download_dataset(name=name, format="csv", wait=60)
        told = {
            "upload_status": uploaded.status_code,
            "row_count": uploaded.data.row_count,
            "columns": [column.name for column in uploaded.data.columns],
            "version": trained.version.version,
            "tags": trained.version.tags,
            "predictions": len(predicted.actual_instance.predictions),
            "listed": name in [one.name for one in datasets.list_datasets(limit=1000).datasets],
            "job": jobs.read_job(correlation_id=trained.version.correlation_id).status,
            "content": bytes(content).decode(),
            "refused": refusal(datasets, name),
        }
        models.delete_model(name=name)
        datasets.delete_dataset(name=name, force=True)
    sys.stdout.write(json.dumps(told))


def row_cell(value: float) -> object:
    """A cell, as the generated code wants it."""
    kind = getattr(gateway, "Cell", None)
    return value if kind is None else kind(value)


def refusal(datasets: gateway.DatasetsApi, name: str) -> list[object]:
    """Status and code of a problem."""
    try:
        datasets.read_dataset(name=f"no-{name}")
    except gateway.ApiException as error:
        return [error.status, json.loads(error.body)["code"]]
    return []


if __name__ == "__main__":
    main(*sys.argv[1:])

// The story that each generated client tells: upload, train, predict, look, download, be refused, delete.
import { readFileSync } from "node:fs";
import {
  Configuration,
  DatasetsApi,
  JobsApi,
  ModelsApi,
  PredictionsApi,
  ResponseError,
  type PredictRequest,
  type PredictionView,
  type TrainingResult,
} from "./gateway";

async function main(url: string, table: string, name: string): Promise<void> {
  const gateway = new Configuration({ basePath: url });
  const [datasets, models] = [new DatasetsApi(gateway), new ModelsApi(gateway)];
  const file = new Blob([readFileSync(table)]);
  const uploaded = await datasets.uploadDatasetRaw({ name, file, wait: 60 });
  const dataset = await uploaded.value();
  const trainModel = { model: name, dataset: name, target: "price", estimator: "Ridge", tags: { by: "typescript" } };
  const trained: TrainingResult = await models.trainModel({ trainModel, wait: 60 });
  const predicted = await new PredictionsApi(gateway).predict({
    reference: `${name}@champion`,
    predictRequest: { rows: [{ size: 2.0 }] } as unknown as PredictRequest, // one type of all its forms, each whole
  });
  const content = await datasets.downloadDataset({ name, format: "csv", wait: 60 });
  const told = {
    upload_status: uploaded.raw.status,
    row_count: dataset.rowCount,
    columns: dataset.columns.map((column) => column.name),
    version: trained.version.version,
    tags: trained.version.tags,
    predictions: (predicted as PredictionView).predictions.length,
    listed: (await datasets.listDatasets({ limit: 1000 })).datasets.some((one) => one.name === name),
    job: (await new JobsApi(gateway).readJob({ correlationId: trained.version.correlationId })).status,
    content: await content.text(),
    refused: await refusal(datasets, name),
  };
  await models.deleteModel({ name });
  await datasets.deleteDataset({ name, force: true });
  process.stdout.write(JSON.stringify(told));
}

async function refusal(datasets: DatasetsApi, name: string): Promise<unknown[]> {
  try {
    await datasets.readDataset({ name: `no-${name}` });
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    return [error.response.status, (await error.response.json()).code];
  }
  return [];
}

const [url, table, name] = process.argv.slice(2);
void main(url, table, name);

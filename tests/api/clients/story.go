// The story that each generated client tells: upload, train, predict, look, download, be refused, delete.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"story/gateway"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	url, table, name := os.Args[1], os.Args[2], os.Args[3]
	settings := gateway.NewConfiguration()
	settings.Servers = gateway.ServerConfigurations{{URL: url}}
	client, ctx := gateway.NewAPIClient(settings), context.Background()

	file, err := os.Open(table)
	check(err)
	dataset, uploaded, err := client.DatasetsAPI.UploadDataset(ctx).Name(name).File(file).Wait(60).Execute()
	check(err)

	training := gateway.NewTrainModel(name, name, "Ridge")
	training.SetTarget("price")
	training.SetTags(map[string]string{"by": "go"})
	trained, _, err := client.ModelsAPI.TrainModel(ctx).TrainModel(*training).Wait(60).Execute()
	check(err)

	size := float32(2)
	rows := []map[string]gateway.Cell{{"size": {Float32: &size}}}
	asked := gateway.PredictRequest{Predict: gateway.NewPredict(rows)}
	predicted, _, err := client.PredictionsAPI.Predict(ctx, name+"@champion").PredictRequest(asked).Execute()
	check(err)

	listed, _, err := client.DatasetsAPI.ListDatasets(ctx).Limit(1000).Execute()
	check(err)
	isListed := false
	for _, one := range listed.Datasets {
		isListed = isListed || one.Name == name
	}
	columns := []string{}
	for _, column := range dataset.Columns {
		columns = append(columns, column.Name)
	}
	job, _, err := client.JobsAPI.ReadJob(ctx, trained.Version.CorrelationId).Execute()
	check(err)
	downloaded, _, err := client.DatasetsAPI.DownloadDataset(ctx, name).Format("csv").Wait(60).Execute()
	check(err)
	content, err := io.ReadAll(downloaded)
	check(err)
	_, refused, err := client.DatasetsAPI.ReadDataset(ctx, "no-"+name).Execute()
	problem := err.(*gateway.GenericOpenAPIError).Model().(gateway.Problem)

	_, err = client.ModelsAPI.DeleteModel(ctx, name).Execute()
	check(err)
	_, err = client.DatasetsAPI.DeleteDataset(ctx, name).Force(true).Execute()
	check(err)

	told, err := json.Marshal(map[string]any{
		"upload_status": uploaded.StatusCode,
		"row_count":     dataset.RowCount,
		"columns":       columns,
		"version":       trained.Version.Version,
		"tags":          trained.Version.Tags,
		"predictions":   len(predicted.PredictionView.Predictions),
		"listed":        isListed,
		"job":           job.Status,
		"content":       string(content),
		"refused":       []any{refused.StatusCode, problem.Code},
	})
	check(err)
	fmt.Print(string(told))
}

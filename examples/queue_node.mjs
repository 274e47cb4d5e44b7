// Predict by the queue from Node.js. The least that is a message is {"body": "<the command as JSON text>"}.
//
//     npm install redis
//     node examples/queue_node.mjs [redis://127.0.0.1:6379/0 [prices]]
//
// Without an address it takes the broker of the local stack that runs in this folder (`make up`); without a model, the
// README's.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createClient } from "redis";

const localBroker = () => JSON.parse(readFileSync(".modelbus/run/state.json", "utf8")).bus_url;
const [url = localBroker(), model = "prices"] = process.argv.slice(2);
const command = { command: "Predict", model, rows: [{ size: 12, color: "red" }] };
const correlationId = randomUUID();
const replies = `replies-${randomUUID()}`;

const broker = await createClient({ url }).connect();
await broker.lPush("predict", JSON.stringify({
  body: JSON.stringify(command),
  properties: { correlation_id: correlationId, reply_to: replies },
}));
const reply = await broker.brPop(replies, 60);
broker.destroy();
if (reply === null) {
  throw new Error("nobody answered; is a predictor running?");
}
const envelope = JSON.parse(reply.element);
const text = envelope.properties.body_encoding === "base64"
  ? Buffer.from(envelope.body, "base64").toString()
  : envelope.body;
const event = JSON.parse(text);
console.log(event.correlation_id, event.status, event.result?.predictions, event.error);

// Predict through the queue from Node.js. A minimal message is {"body": "<the command as JSON text>"}.
//
//     npm install redis
//     node examples/queue_node.mjs [redis://127.0.0.1:6379/0 [prices]]
//
// The default address is that of the local stack running in this folder or above it (`modelbus up`), or
// MODELBUS_BUS_URL; the default model is that of the README.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createClient } from "redis";

const localBroker = (folder = process.cwd()) => {
  try {
    const state = JSON.parse(readFileSync(join(folder, ".modelbus/run/state.json"), "utf8"));
    process.kill(state.pid, 0); // fails for a stack that was killed
    return state.bus_url;
  } catch {
    if (folder === dirname(folder)) {
      throw new Error("no local stack is running in this folder or above it; start one, or pass a broker's address");
    }
    return localBroker(dirname(folder));
  }
};
const [url = process.env.MODELBUS_BUS_URL || localBroker(), model = "prices"] = process.argv.slice(2);
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
  throw new Error("no reply within a minute; check that a predictor is running");
}
const envelope = JSON.parse(reply.element);
const text = envelope.properties.body_encoding === "base64"
  ? Buffer.from(envelope.body, "base64").toString()
  : envelope.body;
const event = JSON.parse(text);
console.log(event.correlation_id, event.status, event.result?.predictions, event.error);

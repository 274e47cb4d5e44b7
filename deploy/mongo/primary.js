// Makes the replica set unless there is one; ends with an error as long as this node is not its primary.
const fs = require("fs");
const password = fs.readFileSync("/run/secrets/mongo_root_password", "utf8").trim();
const admin = connect(`mongodb://root:${password}@127.0.0.1:27017/admin?directConnection=true`);
const hello = admin.hello();
if (!hello.setName) {
  admin.runCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: "mongo:27017" }] } });
}
if (!admin.hello().isWritablePrimary) {
  throw new Error("not the primary yet");
}

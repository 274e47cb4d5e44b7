// Run once, when the data folder is new: the user of the services, who sees their own database and no other.
const fs = require("fs");
db.getSiblingDB("modelbus").createUser({
  user: "modelbus",
  pwd: fs.readFileSync("/run/secrets/mongo_password", "utf8").trim(),
  roles: [{ role: "readWrite", db: "modelbus" }],
});

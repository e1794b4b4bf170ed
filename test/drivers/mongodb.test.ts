import { mongodbDriver } from "../../src/drivers/mongodb.js";
import { testServerDriver } from "../support/server-driver.js";
import { describeServer } from "../support/servers.js";
import { inDatabase } from "./mongodb-database.js";

describeServer("MONGODB_URL", (url) => {
  testServerDriver({
    name: "mongodb",
    url,
    place: inDatabase,
    driver: (place) => mongodbDriver({ url: place }),
    server: "mongodb",
  });
});

import { mongodbDriver } from "../../src/drivers/mongodb.js";
import { testServerDriver } from "../support/server-driver.js";
import { describeServer } from "../support/servers.js";

const placeOf = (url: string, name: string) => {
  const place = new URL(url);
  place.pathname = `/${name}`;
  return place.href;
};

describeServer("MONGODB_URL", (url) => {
  testServerDriver({
    name: "mongodb",
    url,
    place: placeOf,
    driver: (place) => mongodbDriver({ url: place }),
    server: "mongodb",
  });
});

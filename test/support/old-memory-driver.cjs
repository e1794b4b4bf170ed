// Registers the memory driver of the npm package `databank`, a driver class of the first
// generation, with our databank.
const path = require("node:path");
const { Databank } = require("../../dist/databank-module.js");

const old = path.dirname(require.resolve("databank-test/package.json"));
const memory = path.join(old, "../databank/lib/drivers/memory.js");

Databank.register("old-memory", require(memory));

import { Databank } from "../../src/databank/databank.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { testPromises } from "../support/promises.js";

const bank = new Databank(memoryDriver());

testPromises("memory", { bank: () => bank });

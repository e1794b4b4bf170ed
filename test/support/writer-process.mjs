// Creates entries as fast as it can, and tells its parent the id of each that was acknowledged.
import { Databank } from "connect-databank";

const [, , url, type, prefix] = process.argv;
const bank = Databank.open(url);
let next = 0;

async function write() {
  for (;;) {
    const id = `${prefix}-${next++}`;
    await bank.create(type, id, { id });
    process.send(id);
  }
}

for (let i = 0; i < 8; i += 1) void write();

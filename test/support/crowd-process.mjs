// One of a crowd of processes on one database: says that it is there, waits for the word to go,
// and tells what came out.
import { once } from "node:events";
import { Databank } from "connect-databank";

const { url, schema, task, type, count } = JSON.parse(process.argv[2]);

const tasks = {
  /** Connects, creates entries of its own and tries to create one that only one process can. */
  async start(bank) {
    const own = Array.from({ length: count }, (_, i) => `${process.pid}-${i}`);
    await Promise.all(own.map((id) => bank.create(type, id, { id })));
    const isFirst = await bank.create(type, "one", {}).then(
      () => true,
      (error) => {
        if (error.code === "DATABANK_ALREADY_EXISTS") return false;
        throw error;
      },
    );
    return { own, isFirst };
  },

  /** Deletes what has expired. */
  cleanUp: (bank) => bank.deleteExpired(type),

  /** Appends to one array as often as it can. */
  async append(bank) {
    for (let i = 0; i < count; i += 1) await bank.append(type, "list", `${process.pid}-${i}`);
    return count;
  },
};

process.send("ready");
await once(process, "message");
try {
  // Many processes that load a client at once take their time on a busy machine.
  const bank = Databank.open(url, { timeoutMs: 30_000, ...(schema && { schema }) });
  const result = await tasks[task](bank);
  await bank.disconnect();
  process.send({ result });
} catch (error) {
  process.send({ error: `${error.stack}, because ${error.cause?.stack}` });
}
process.disconnect();

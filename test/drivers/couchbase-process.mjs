// Works with Couchbase, and ends: of itself after disconnecting, or at once.
import { Databank } from "connect-databank";

const [url, how] = process.argv.slice(2);
const bank = Databank.open(`${url}?prefix=process/`);
await bank.save("job", "a", { n: 1 });
await bank.read("job", "a");
if (how === "exit") process.exit(0);
await bank.disconnect();
process.disconnect();

/**
 * Refuses a runtime that is too old, which would fail later and say something obscure.
 *
 * @param texts - The prototype of its strings, which has what came last of all that is needed.
 * @param version - What the runtime calls itself, for the message.
 */
export function checkRuntime(texts: object = String.prototype, version = process.version): void {
  if ("isWellFormed" in texts) return;
  throw new Error(`connect-databank needs Node 20.19 or newer, and this is ${version}`);
}

import { opened } from "./sqlite.mjs";

export { inFlight, ops, peer, peerName, seeded } from "./sqlite.mjs";
export const ours = () => opened("?durable=false");

import { removeFolder, temporaryFolder } from "./guard.mjs";

const PORT_ATTEMPTS = 5;

/**
 * Starts a server of one's own: on a port and with data that nobody else has. See `OwnServer` in index.d.mts.
 * @throws Unavailable where this machine cannot have it, StartError where it does not start
 */
export async function openServer(definition, { durable = true, log, tls } = {}) {
  const tools = await definition.find({ log });
  for (let attempt = 1; ; attempt++) {
    try {
      return await openOnce(definition, { tools, durable, tls });
    } catch (error) {
      if (!error.portTaken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function openOnce(definition, settings) {
  const folder = await temporaryFolder(definition.name);
  let server;
  try {
    server = await definition.open({ folder, ...settings });
    await server.start();
  } catch (error) {
    await server?.kill();
    await server?.release();
    await removeFolder(folder);
    throw error;
  }
  const { release } = server;
  const close = async () => {
    await server.stop();
    await release();
    await removeFolder(folder);
  };
  return Object.assign(server, { name: definition.name, keeps: definition.keeps, folder, close });
}

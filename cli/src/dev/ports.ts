import { createServer, type Server } from 'node:net';
import { CliError } from '../errors.ts';

export const DEFAULT_PORT = 7443;

export interface DevPorts {
  /** The agent's gRPC port; the others follow it where they are free. */
  agent: number;
  ca: number;
  health: number;
  metrics: number;
}

/**
 * Four ports of the loopback interface.
 * @param wanted the agent's port; 0 for any, undefined for the usual one if it is free
 * @throws CliError `dev-start` when a port that was asked for is taken
 */
export async function choosePorts(wanted: number | undefined): Promise<DevPorts> {
  // All are held until the last is chosen, so that none is given twice.
  const held: Server[] = [];
  const take = async (port: number): Promise<number | null> => {
    const server = await listen(port);
    if (server !== null) held.push(server);
    const address = server?.address();
    return typeof address === 'object' && address !== null ? address.port : null;
  };
  const takeOr = async (port: number): Promise<number> => (await take(port)) ?? (await take(0)) ?? 0;
  try {
    const agent = wanted === undefined ? await takeOr(DEFAULT_PORT) : await take(wanted);
    if (agent === null) {
      throw new CliError('dev-start', `port ${wanted} of 127.0.0.1 is taken`, {
        next: 'name another with --port, or --port 0 for a free one',
      });
    }
    const next = (offset: number) => takeOr(wanted === 0 || agent + offset > 65_535 ? 0 : agent + offset);
    return { agent, ca: await next(1), health: await next(2), metrics: await next(3) };
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function listen(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve(server));
  });
}

import { rmSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { AgentProcess, commandOf, type Command } from './agent_process.ts';
import { generateKey } from './client/csr.ts';
import { Dev, newState } from './dev.ts';
import { run, until, type Running } from './processes.ts';
import type { Pod } from './token.ts';
import { toyLeaf, type ToyIssuer } from './toy/authority.ts';
import { around } from './toy/ca_server.ts';

const START_LIMIT = 60_000;
const DAY = 86_400_000;

/**
 * The CA as a cluster reaches it: workerd behind a TLS front with a private certificate, under a name that only a proxy
 * resolves. It begins as `npm start` leaves it, enrolled and with a root, and its agents are started one by one.
 */
export class EdgePath {
  readonly folder: string;
  readonly url: string;
  readonly #dev: Dev;
  readonly #ca: Running;
  readonly #front: tls.Server;
  readonly #agent: Command;
  readonly #sockets = new Set<net.Socket>();
  readonly #agents: AgentProcess[] = [];

  private constructor(parts: {
    dev: Dev;
    ca: Running;
    front: tls.Server;
    agent: Command;
    folder: string;
    url: string;
  }) {
    this.#dev = parts.dev;
    this.#ca = parts.ca;
    this.#front = parts.front;
    this.#agent = parts.agent;
    this.folder = parts.folder;
    this.url = parts.url;
    this.#front.on('connection', (socket: net.Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param url what agents call the CA */
  static async start(url: string, issuer: ToyIssuer, pods: readonly Pod[]): Promise<EdgePath> {
    const folder = newState();
    const dev = await Dev.start({ pods, state: folder });
    const [agent, ca] = [commandOf(dev.info.agent.pid), commandOf(dev.info.ca.pid)];
    await dev.stop();
    const port = Number(new URL(dev.info.ca.url).port);
    const running = run(ca.program, ca.args, { log: join(folder, 'edge.log'), env: { ...ca.env, CA_URL: url } });
    const front = tls.createServer(serverContext(issuer, new URL(url).hostname), (socket) => {
      const far = net.connect(port, '127.0.0.1');
      socket.pipe(far).pipe(socket);
      for (const one of [socket, far]) one.on('error', () => [socket, far].forEach((each) => each.destroy()));
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    await until('the CA', START_LIMIT, () =>
      fetch(`${dev.info.ca.url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return new EdgePath({ dev, ca: running, front, agent, folder, url });
  }

  /** Of the TLS front. */
  get port(): number {
    return (this.#front.address() as net.AddressInfo).port;
  }

  get issuer(): Dev['issuer'] {
    return this.#dev.issuer;
  }

  identity(pod: Pick<Pod, 'namespace' | 'serviceAccount'>): string {
    return this.#dev.identity(pod);
  }

  /** The front's certificate is from now on one of another issuer, and the connections that stand end. */
  changeIssuer(issuer: ToyIssuer): void {
    this.#front.setSecureContext(serverContext(issuer, new URL(this.url).hostname));
    for (const socket of this.#sockets) socket.destroy();
  }

  /** An agent with a state folder of its own, that begins with the pins of the roots. */
  agent(name: string, flags: readonly string[], env: Record<string, string>): AgentProcess {
    const all = [`--state-dir=${join(this.folder, name)}`, `--ca-url=${this.url}`, ...flags];
    const started = AgentProcess.start(this.#agent, this.#dev, {
      log: join(this.folder, `${name}.log`),
      flags: all,
      env,
    });
    this.#agents.push(started);
    return started;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    for (const socket of this.#sockets) socket.destroy();
    this.#front.close();
    await this.#ca.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function serverContext(issuer: ToyIssuer, name: string): tls.TlsOptions {
  const { privateKey, publicKey } = generateKey('ec-p256');
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: toyLeaf(issuer, spki, { dns: [name] }, around(60_000, DAY)),
  };
}

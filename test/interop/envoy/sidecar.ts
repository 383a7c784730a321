import { readFileSync } from 'node:fs';
import { tail, until } from '../../support/processes.ts';
import { PORTS } from './bootstrap.ts';

const START_LIMIT = 90_000;

export interface Answer {
  /** `200 I am b`, or a status and why there is no answer. */
  text: string;
  /** URI SAN of the caller, as the peer saw it. */
  caller: string | undefined;
  /** As in `TLSv1.3`. */
  tls: string | undefined;
}

/** An Envoy on the address of its workload, whoever started it. */
export class Sidecar {
  readonly name: string;
  readonly address: string;
  readonly #log: string;

  constructor(name: string, address: string, log: string) {
    this.name = name;
    this.address = address;
    this.#log = log;
  }

  get log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  async #admin(path: string): Promise<string | undefined> {
    try {
      const answer = await fetch(`http://${this.address}:${PORTS.admin}${path}`);
      return answer.ok ? await answer.text() : undefined;
    } catch {
      return undefined;
    }
  }

  /** @throws Error with the end of the log when it does not come up */
  async ready(): Promise<void> {
    try {
      await until(`readiness of Envoy ${this.name}`, START_LIMIT, () => this.#admin('/ready'));
    } catch (error) {
      throw new Error(`Envoy ${this.name}’s log ends:\n${tail(this.#log)}`, { cause: error });
    }
  }

  /** A request of the workload to a peer: in the clear to here, mutual TLS from here, on a connection of its own. */
  async get(peer: string): Promise<Answer> {
    try {
      const answer = await fetch(`http://${this.address}:${PORTS.outbound}/${peer}`);
      const [caller, tls] = ['x-caller', 'x-tls'].map((name) => answer.headers.get(name) ?? undefined);
      return { text: `${answer.status} ${await answer.text()}`, caller, tls };
    } catch (error) {
      return { text: `000 ${(error as Error).message}`, caller: undefined, tls: undefined };
    }
  }

  /** Whose certificates were refused here, by whom and why: Envoy's counters of that, those that are not 0. */
  async refused(): Promise<Record<string, number>> {
    const text = (await this.#admin('/stats?filter=ssl%5C.fail_verify')) ?? '';
    const all = text.split('\n').map((line) => line.split(': '));
    return Object.fromEntries(
      all
        .filter(([, value = '0']) => Number(value) > 0)
        .map(([name = '', value]) => [name.replace(/^listener\..*?ssl/, 'listener.ssl'), Number(value)]),
    );
  }

  /** How many secrets of that name were taken since the start, the first included. */
  async taken(name: 'default' | 'ROOTCA'): Promise<number> {
    const text = (await this.#admin(`/stats?filter=sds%5C.${name}%5C.update_success`)) ?? '';
    return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
  }
}

import { createPublicKey } from 'node:crypto';
import { ReplyError, type WorkloadCertificate } from '../support/client/reply.ts';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { ledgerRows, serialOf } from '../support/ledger.ts';
import { sleep, until } from '../support/processes.ts';
import { podToken } from '../support/token.ts';
import { nodeChainFault } from '../support/verify/node_chain.ts';
import { GrpcError } from '../support/wire/channel.ts';
import type { Stand } from './stand.ts';

/** Back-dated by five minutes, the most that a certificate is. */
const TTL_SECONDS = 3_600;
/** ztunnel waits a second and then longer; a tenth of it asks more often. */
const RETRY = 100;
/** Stands in for TCP and its keep-alive, which find out for ztunnel that nobody is there: it has no deadline of its own. */
const LOST = 8_000;
const UNAUTHENTICATED = 16;

/** Clients that renew as fast as they are answered, one per pod, and take nothing that does not verify. */
export class Load {
  readonly held = new Map<string, WorkloadCertificate>();
  /** Serial and identity of all that were accepted. */
  readonly accepted = new Map<string, string>();
  readonly #codes = new Map<number, number>();
  readonly #faults: string[] = [];
  readonly #stand: Stand;
  readonly #roots = new Set<string>();
  readonly #patience: number;
  readonly #ahead: number;
  #ended = false;
  #all: Promise<unknown> = Promise.resolve();

  /**
   * @param patience after how many ms a client takes its connection for lost
   * @param ahead how many ms the clients and their tokens are ahead of the machine's clock
   */
  constructor(stand: Stand, patience = LOST, ahead = 0) {
    this.#ahead = ahead;
    this.#stand = stand;
    this.#patience = patience;
    this.#all = Promise.all(stand.pods.map((pod) => this.#renew(stand.dev.identity(pod))));
  }

  /** Resolves when each client was answered once more than now. */
  async goesOn(limitMs = 60_000): Promise<void> {
    const before = new Map([...this.held].map(([identity, { leaf }]) => [identity, leaf.serialNumber]));
    await until('another certificate for each client', limitMs, () =>
      this.#stand.pods.every((pod) => {
        const identity = this.#stand.dev.identity(pod);
        const held = this.held.get(identity);
        return held !== undefined && held.leaf.serialNumber !== before.get(identity);
      }),
    );
  }

  get saw(): string {
    const codes = [...this.#codes].map(
      ([code, count]) => `${count} × ${code < 0 ? 'connection lost' : `code ${code}`}`,
    );
    return [`${this.accepted.size} certificates`, ...codes].join(', ');
  }

  /** Failures that a client saw so far, whatever their code. */
  get failures(): number {
    return [...this.#codes.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Ends the load and judges it. @returns what is wrong, one sentence each */
  async judge(): Promise<string[]> {
    this.#ended = true;
    await this.#all;
    const { dev, pods } = this.#stand;
    const wrong = [...this.#faults];
    const refused = this.#codes.get(UNAUTHENTICATED) ?? 0;
    if (refused > 0) wrong.push(`${refused} answers Unauthenticated`);
    if (this.#roots.size > 1) wrong.push(`${this.#roots.size} roots`);
    for (const pod of pods) {
      const held = this.held.get(dev.identity(pod));
      if (held === undefined || held.leaf.validToDate.getTime() < Date.now())
        wrong.push(`${pod.name} has nothing that lives`);
    }
    for (const [serial, identity] of this.accepted) {
      // oxlint-disable-next-line no-await-in-loop -- the CA is asked by one
      const rows = await ledgerRows(dev, { serial });
      if (rows.length !== 1 || rows[0]?.identity !== identity)
        wrong.push(`${serial} of ${identity} is ${rows.length} times in the ledger`);
    }
    return wrong;
  }

  async #renew(identity: string): Promise<void> {
    const { dev, address, ztunnel } = this.#stand;
    const token = podToken(dev.issuer, ztunnel, Date.now() + this.#ahead);
    while (!this.#ended) {
      const client = new Ztunnel({ ...address, mode: 'shared', token: () => token, secretTtl: TTL_SECONDS });
      try {
        while (!this.#ended) {
          const lost = setTimeout(() => client.close(), this.#patience);
          this.#take(identity, await client.fetchCertificate(identity).finally(() => clearTimeout(lost)));
          await sleep(20);
        }
      } catch (error) {
        this.#failed(error);
        await sleep(RETRY);
      } finally {
        client.close();
      }
    }
  }

  #take(identity: string, reply: WorkloadCertificate): void {
    const { leaf, intermediates, roots, key } = reply;
    const serial = serialOf(leaf.serialNumber);
    const fault =
      nodeChainFault(leaf, intermediates, roots, Date.now() + this.#ahead) ??
      (leaf.publicKey.equals(createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })))
        ? undefined
        : 'another key') ??
      (this.accepted.has(serial) ? 'the serial was there before' : undefined);
    if (fault !== undefined) this.#faults.push(`a certificate of ${identity}: ${fault}`);
    this.accepted.set(serial, identity);
    this.held.set(identity, reply);
    for (const root of roots) this.#roots.add(root.fingerprint256);
  }

  #failed(error: unknown): void {
    if (error instanceof ReplyError) this.#faults.push(`a reply that cannot be read: ${error.message}`);
    const code = error instanceof GrpcError ? error.code : -1;
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
  }
}

import { encodePem } from '../../../pki/src/pem.ts';
import { crossCertificate, makeIntermediate, makeLeaf, makeRoot } from '../../csr-agent/support/authority.ts';
import { edgeConfig, testEdge, until } from '../../csr-agent/support/edge.ts';
import { FakeCa, problem } from '../../csr-agent/support/fake_ca.ts';
import { PODS, SERVER_NAME, startFront, tokenIssuer } from '../../csr-agent/front.ts';
import { parseCsr } from '../../../pki/src/csr/parse.ts';
import { podToken } from '../../support/token.ts';
import { Channel, CREATE_CERTIFICATE } from '../../support/wire/channel.ts';
import { decodeResponse, encodeRequest } from '../../support/wire/protobuf.ts';
import { outcomeOf, type Outcome } from './row.ts';
import { csrFor, identityOf } from './stand.ts';

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
export const toPem = (der: Uint8Array): string => encodePem('CERTIFICATE', der);

/**
 * The agent's gRPC front and its whole upstream half, before a CA that answers as a test wants it: the real CA never gives most of
 * these answers. A request is held for one second, so that the row ends.
 */
export class OddCa {
  readonly #ca: FakeCa;

  private constructor(ca: FakeCa) {
    this.#ca = ca;
  }

  /** One request of a pod for itself, after the CA was told what to answer. */
  static async ask(tell: (ca: OddCa) => void | Promise<void>): Promise<Outcome> {
    const ca = await FakeCa.start();
    await tell(new OddCa(ca));
    const { edge } = testEdge(edgeConfig(ca, { firstHold: 1 }));
    const front = await startFront({ behind: edge.signer });
    const channel = new Channel({ host: '127.0.0.1', port: front.port, serverName: SERVER_NAME, roots: front.roots });
    try {
      await edge.start();
      await until(() => edge.trust.current() !== null);
      const headers = { authorization: `Bearer ${podToken(tokenIssuer, PODS.productpage)}` };
      const message = encodeRequest({ csr: csrFor([identityOf(PODS.productpage)]), validityDuration: 86_400 });
      return await outcomeOf(channel.unary(CREATE_CERTIFICATE, headers, message).then(decodeResponse));
    } finally {
      channel.close();
      await edge.stop();
      await front.server.drain(0);
      await ca.down();
    }
  }

  answerWith(certificate: Uint8Array): void {
    this.#ca.verdict = (item) => ({
      id: item.id,
      status: 'issued',
      certificate: base64(certificate),
      issuer: this.#ca.svid.id,
    });
  }

  /** Leaves by a CA under another root: as if by the intermediate we know, or named in the trust document. */
  async signByStranger(how: 'named' | 'unnamed'): Promise<void> {
    const stranger = await makeIntermediate(await makeRoot(), 'svid');
    const issuer = how === 'named' ? stranger.id : this.#ca.svid.id;
    this.#ca.verdict = (item) => {
      const { spki } = parseCsr(Uint8Array.from(Buffer.from(item.csr, 'base64')));
      const leaf = makeLeaf(stranger, { profile: 'svid', uri: item.identity, spki });
      return { id: item.id, status: 'issued', certificate: base64(leaf), issuer };
    };
  }

  fail(): void {
    this.#ca.tamper = (kind, answer) =>
      kind === 'issue'
        ? {
            status: 500,
            headers: { 'content-type': 'application/problem+json' },
            body: Buffer.from(JSON.stringify(problem(500, 'internal'))),
          }
        : answer;
  }

  /** In the midst of a rotation. @returns what must follow the leaf, element by element */
  async rotate(): Promise<Uint8Array[][]> {
    const [older] = this.#ca.roots;
    if (older === undefined) throw new Error('the CA has no root');
    const newer = await makeRoot();
    const cross = await crossCertificate(newer, older);
    await this.#ca.generation(newer);
    this.#ca.roots = [newer, older];
    this.#ca.crosses = [cross];
    return [[this.#ca.svid.der], [cross], [newer.der, older.der]];
  }

  /** @returns what must follow the leaf, element by element */
  async threeRoots(): Promise<Uint8Array[][]> {
    this.#ca.roots = [...this.#ca.roots, await makeRoot(), await makeRoot()];
    return [[this.#ca.svid.der], this.#ca.roots.map(({ der }) => der)];
  }
}

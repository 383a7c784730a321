import { createPublicKey } from 'node:crypto';
import grpc from '@grpc/grpc-js';
import { generateKey } from '../client/csr.ts';
import { pemBlocks } from '../client/reply.ts';
import { CREATE_CERTIFICATE } from '../wire/channel.ts';
import { decodeRequest, encodeResponse, type CertificateRequest } from '../wire/protobuf.ts';
import { toyCa, toyLeaf, type Lifetime, type ToyIssuer } from './authority.ts';

export interface ToyCall {
  request: CertificateRequest;
  /** ImpersonatedIdentity, or the URI in the CSR. */
  identity: string;
  spki: Uint8Array;
  headers: Record<string, string>;
}

/** One reply: a chain; `{ code, message }` is a refusal; `'hang'` never answers. */
export type ToyReply = readonly string[] | { code: number; message: string } | 'hang';
export type ToyBehaviour = (call: ToyCall, ca: ToyCa) => ToyReply;

const HOUR = 3_600_000;
const verbatim = (bytes: Buffer): Buffer => bytes;

/** A CA that checks nothing and can be told to misbehave: it proves the client library and the harness, never the product. */
export class ToyCa {
  readonly root: ToyIssuer;
  readonly intermediate: ToyIssuer;
  readonly calls: ToyCall[] = [];
  readonly #server: grpc.Server;
  behaviour: ToyBehaviour;
  port = 0;

  constructor(behaviour: ToyBehaviour = wellBehaved) {
    const now = Date.now();
    this.root = toyCa('toy root', { notBefore: now - HOUR, notAfter: now + 24 * HOUR });
    this.intermediate = toyCa('toy intermediate', { notBefore: now - HOUR, notAfter: now + 12 * HOUR }, this.root);
    this.behaviour = behaviour;
    this.#server = new grpc.Server({ 'grpc.enable_channelz': 0 });
    const create: grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      const reply = this.#answer(call);
      if (reply === 'hang') return;
      if ('code' in reply) callback({ code: reply.code, details: reply.message });
      else callback(null, encodeResponse(reply));
    };
    const shape = {
      requestStream: false,
      responseStream: false,
      requestSerialize: verbatim,
      requestDeserialize: verbatim,
    };
    this.#server.addService(
      { create: { ...shape, path: CREATE_CERTIFICATE, responseSerialize: verbatim, responseDeserialize: verbatim } },
      { create },
    );
  }

  #answer(call: grpc.ServerUnaryCall<Buffer, Buffer>): ToyReply {
    const request = decodeRequest(call.request);
    const [csr] = pemBlocks(request.csr);
    if (csr === undefined) return { code: grpc.status.INVALID_ARGUMENT, message: 'no CSR' };
    const uri = uriOf(csr.der);
    const headers = Object.fromEntries(
      Object.entries(call.metadata.getMap()).map(([key, value]) => [key, String(value)]),
    );
    const seen: ToyCall = {
      request,
      identity: request.metadata?.['ImpersonatedIdentity'] ?? uri,
      spki: spkiOf(csr.der),
      headers,
    };
    this.calls.push(seen);
    return this.behaviour(seen, this);
  }

  /** @param life milliseconds around now: back-date and rest. */
  leaf(call: Pick<ToyCall, 'identity' | 'spki'>, life: Lifetime = around(60_000, HOUR)): string {
    return toyLeaf(this.intermediate, call.spki, { uri: call.identity }, life);
  }

  /** @returns the port on 127.0.0.1 */
  async start(serverName = 'localhost'): Promise<number> {
    const credentials = toyServerCredentials(this.intermediate, serverName);
    this.port = await new Promise<number>((resolve, reject) =>
      this.#server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port))),
    );
    return this.port;
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

export function toyServerCredentials(issuer: ToyIssuer, serverName: string): grpc.ServerCredentials {
  const { privateKey, publicKey } = generateKey('ec-p256');
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const certificate = toyLeaf(issuer, spki, { dns: [serverName] }, around(60_000, HOUR));
  const key = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return grpc.ServerCredentials.createSsl(null, [
    { private_key: key, cert_chain: Buffer.from(certificate + issuer.pem) },
  ]);
}

/** From `before` milliseconds ago to `after` milliseconds from now. */
export const around = (before: number, after: number): Lifetime => ({
  notBefore: Date.now() - before,
  notAfter: Date.now() + after,
});

export const wellBehaved: ToyBehaviour = (call, ca) => [ca.leaf(call), ca.intermediate.pem, ca.root.pem];

/** The one URI of a CSR is short, so the byte before it is its length. */
function uriOf(csr: Buffer): string {
  const at = csr.indexOf('spiffe://');
  return at < 1 ? '' : csr.toString('latin1', at, at + (csr[at - 1] ?? 0));
}

/** The SPKI is the third element of CertificationRequestInfo; the toy reads no more of it than it must. */
function spkiOf(csr: Uint8Array): Uint8Array {
  const info = element(csr, element(csr, 0).body);
  const version = element(csr, info.body);
  const subject = element(csr, version.end);
  const spki = element(csr, subject.end);
  const bytes = csr.subarray(subject.end, spki.end);
  createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' });
  return bytes;
}

function element(bytes: Uint8Array, at: number): { body: number; end: number } {
  const first = bytes[at + 1] ?? 0;
  const extra = first < 0x80 ? 0 : first & 0x7f;
  let size = first < 0x80 ? first : 0;
  for (let i = 0; i < extra; i++) size = size * 256 + (bytes[at + 2 + i] ?? 0);
  const body = at + 2 + extra;
  return { body, end: body + size };
}

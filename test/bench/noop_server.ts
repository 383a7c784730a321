// A bare grpc-js server over TLS that answers every call with the same chain: the floor of one round trip. Prints its address as JSON.
import grpc from '@grpc/grpc-js';
import { generateKey } from '../support/client/csr.ts';
import { toyCa, toyLeaf } from '../support/toy/authority.ts';
import { around, toyServerCredentials } from '../support/toy/ca_server.ts';
import { CREATE_CERTIFICATE } from '../support/wire/channel.ts';
import { encodeResponse } from '../support/wire/protobuf.ts';

const DAY = 86_400_000;
const root = toyCa('no-op root', around(60_000, DAY));
const intermediate = toyCa('no-op intermediate', around(60_000, DAY), root);
const { publicKey } = generateKey('ec-p256');
const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
const leaf = toyLeaf(intermediate, spki, { uri: 'spiffe://cluster.local/ns/default/sa/no-op' }, around(60_000, DAY));
const reply = encodeResponse([leaf, intermediate.pem, root.pem]);

const verbatim = (bytes: Buffer): Buffer => bytes;
const shape = { requestStream: false, responseStream: false, requestSerialize: verbatim, requestDeserialize: verbatim };
const create = { ...shape, path: CREATE_CERTIFICATE, responseSerialize: verbatim, responseDeserialize: verbatim };
const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
server.addService({ create }, { create: (_: unknown, callback: grpc.sendUnaryData<Buffer>) => callback(null, reply) });
server.bindAsync('127.0.0.1:0', toyServerCredentials(intermediate, 'localhost'), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${JSON.stringify({ port, roots: root.pem })}\n`);
});

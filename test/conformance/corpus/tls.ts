import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { encodePem } from '../../../pki/src/pem.ts';
import type { LeafKey, Member } from './member.ts';

const pem = (certificates: readonly Uint8Array[]): string =>
  certificates.map((der) => encodePem('CERTIFICATE', der)).join('');

/** One handshake in which both sides show the certificate: what each says of the other's, by Node's TLS. */
export async function tlsVerdict(member: Member, key: LeafKey): Promise<{ server: boolean; client: boolean }> {
  const own = {
    cert: pem([member.leaf, ...member.intermediates]),
    key: encodePem('PRIVATE KEY', key.pkcs8),
    ca: member.roots.map((root) => pem([root])),
    rejectUnauthorized: false,
  };
  const server = createServer({ ...own, requestCert: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({
    ...own,
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    checkServerIdentity: () => undefined,
  });
  try {
    const [[peer]] = await Promise.all([accepted, once(socket, 'secureConnect')]);
    return { server: socket.authorized, client: peer.authorized };
  } finally {
    socket.destroy();
    server.close();
  }
}

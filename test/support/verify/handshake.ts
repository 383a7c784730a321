import tls from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import type { WorkloadCertificate } from '../client/reply.ts';

export interface HandshakeResult {
  /** 'ok', or why not. */
  client: string;
  server: string;
}

const toPem = (certificate: X509Certificate): string => certificate.toString();
const present = (own: WorkloadCertificate): tls.SecureContextOptions => ({
  key: own.key.export({ type: 'pkcs8', format: 'pem' }),
  cert: [own.leaf, ...own.intermediates].map(toPem).join(''),
  ca: own.roots.map(toPem),
});

/** A key that is not the certificate's is refused before any byte is sent; that is a failed handshake, too. */
function context(own: WorkloadCertificate): tls.SecureContext | string {
  try {
    return tls.createSecureContext(present(own));
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Mutual TLS 1.3 between two workloads as ztunnels do it (istio-contract §A5): each trusts the roots of its own last reply and nothing else,
 * no SNI, the peer's URI SAN must be the expected one. The verifier is Node's, that is OpenSSL's.
 */
export async function handshake(client: WorkloadCertificate, server: WorkloadCertificate): Promise<HandshakeResult> {
  const [clientContext, serverContext] = [context(client), context(server)];
  if (typeof clientContext === 'string') return { client: clientContext, server: 'not dialled' };
  if (typeof serverContext === 'string') return { client: 'no server', server: serverContext };
  const listener = tls.createServer({
    secureContext: serverContext,
    ...present(server),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['h2'],
  } as tls.TlsOptions);
  const port = await new Promise<number>((resolve) => {
    listener.listen(0, '127.0.0.1', () => resolve((listener.address() as { port: number }).port));
  });
  const serverSide = new Promise<string>((resolve) => {
    listener.once('secureConnection', (socket) => {
      resolve(expectPeer(socket, client));
      socket.end();
    });
    listener.once('tlsClientError', (error) => resolve(error.message));
  });
  const clientSide = new Promise<string>((resolve) => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      secureContext: clientContext,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
    });
    socket.once('secureConnect', () => resolve(expectPeer(socket, server)));
    socket.once('error', (error) => resolve(error.message));
    socket.once('close', () => resolve('closed'));
    socket.resume();
    // The server's verdict on our certificate comes after our own handshake has ended (RFC 8446 §4.4).
    void serverSide.then(() => socket.end());
  });
  try {
    const [one, other] = await Promise.all([clientSide, serverSide]);
    return { client: one, server: other };
  } finally {
    listener.close();
  }
}

function expectPeer(socket: tls.TLSSocket, peer: WorkloadCertificate): string {
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? '';
  return names === `URI:${peer.identity}` ? 'ok' : `peer is ${names}, not ${peer.identity}`;
}

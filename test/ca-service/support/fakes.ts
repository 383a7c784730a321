import { webCrypto } from '../../../pki/src/crypto/web.ts';
import { type App, createApp } from '../../../ca-service/src/app.ts';
import { type ConfigResult, parseConfig } from '../../../ca-service/src/config.ts';
import type { Objects } from '../../../ca-service/src/lookup/objects.ts';
import type { Authenticated, ConfigSnapshot, Names, NewAuditEntry } from '../../../ca-service/src/objects/rpc.ts';
import { keySet, type TokenSigner } from './tokens.ts';

export const CA_URL = 'https://ca.example.com';
export const BOOTSTRAP_TOKEN = 'b'.repeat(43);
export const NOW = 1_800_000_000_000;

const config: ConfigResult = parseConfig({ CA_URL, ENVIRONMENT: 'production', BOOTSTRAP_TOKEN });

/** What an object was asked: its kind and id, the method, the arguments. */
export interface Asked {
  object: string;
  method: string;
  args: unknown[];
}

type Answers = Record<string, (...args: never[]) => unknown>;

/** Objects that answer from a table and remember what they were asked; a method that is not there answers `{}`. */
export class FakeObjects implements Objects {
  readonly asked: Asked[] = [];
  readonly #answers: Answers;

  constructor(answers: Answers = {}) {
    this.#answers = answers;
  }

  directory() {
    return this.#stub('directory') as ReturnType<Objects['directory']>;
  }
  trustDomain(objectId: string) {
    return this.#stub(`trust-domain/${objectId}`) as ReturnType<Objects['trustDomain']>;
  }
  clusterIssuer(objectId: string) {
    return this.#stub(`cluster-issuer/${objectId}`) as ReturnType<Objects['clusterIssuer']>;
  }

  count(method: string): number {
    return this.asked.filter((one) => one.method === method).length;
  }

  audit(): NewAuditEntry[] {
    return this.asked.filter(({ method }) => method === 'appendAudit').map(({ args }) => args[0] as NewAuditEntry);
  }

  #stub(object: string): unknown {
    return new Proxy(
      {},
      {
        get:
          (_, method: string) =>
          async (...args: never[]) => {
            this.asked.push({ object, method, args });
            return this.#answers[method]?.(...args) ?? ok({});
          },
      },
    );
  }
}

export function ok<T>(value: T) {
  return { ok: true as const, value };
}

export function failed(code: string, detail = 'of the test', extra: object = {}) {
  return { ok: false as const, error: { code, detail, ...extra } };
}

export const names: Names = {
  instanceId: 'instance',
  trustDomains: {
    'cluster.local': {
      objectId: 'td-1',
      clusters: { prod: { objectId: 'ci-1', region: 'local', enrolledAt: 1 } },
    },
    'other.example': { objectId: 'td-2', clusters: {} },
  },
};

export function holder(role: string, trustDomains: '*' | string[] = '*'): Authenticated {
  return { actor: { id: 'a-1', name: 'somebody', role: role as 'admin' }, trustDomains, expiresAt: NOW + 1e9 };
}

export function apiToken(): string {
  return `aca_${'0'.repeat(16)}_${'A'.repeat(43)}`;
}

export interface FakeApp {
  app: App;
  objects: FakeObjects;
  logged: { event: string; fields: Readonly<Record<string, unknown>> }[];
  time: { now: number };
}

export function fakeApp(answers: Answers = {}, settings: ConfigResult = config): FakeApp {
  const objects = new FakeObjects({ names: () => ok(names), ...answers });
  const logged: FakeApp['logged'] = [];
  const time = { now: NOW };
  const app = createApp({
    config: settings,
    objects,
    crypto: webCrypto(),
    clock: () => time.now,
    log: (event, fields) => logged.push({ event, fields }),
  });
  return { app, objects, logged, time };
}

async function evidenceKey(kid = 'e1'): Promise<ConfigSnapshot['evidence']> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
  const {
    x = '',
    y = '',
    d = '',
  } = (await crypto.subtle.exportKey('jwk', (pair as CryptoKeyPair).privateKey)) as JsonWebKey;
  return { kid, privateJwk: { kty: 'EC', crv: 'P-256', x, y, d } };
}

export async function snapshotOf(signer: TokenSigner, change: Partial<ConfigSnapshot> = {}): Promise<ConfigSnapshot> {
  return {
    epoch: 1,
    enabled: true,
    trustDomain: 'cluster.local',
    cluster: 'prod',
    clusterId: 'Kubernetes',
    namespaces: ['*'],
    trustedNodeAccounts: ['istio-system/ztunnel'],
    agentAccount: 'ambient-ca/agent',
    keySets: [keySet(signer)],
    tokenAudience: 'istio-ca',
    servingNames: ['ca.ambient-ca.svc'],
    ttl: { floor: 600, default: 86_400, maximum: 604_800 },
    evidence: await evidenceKey(),
    boot: 'bootboot',
    tokensLeaveCluster: true,
    ...change,
  };
}

import { DurableObject } from 'cloudflare:workers';
import { fromBase64 } from '../../../pki/src/bytes.ts';
import { parsePublicKey } from '../../../pki/src/public_key.ts';
import type { Env } from '../env.ts';
import { openVault, storeCheck, Vault, type KeyUse } from '../keys/vault.ts';
import { consoleLog } from '../log.ts';
import { AuditLog } from '../storage/audit.ts';
import { hashRequest, Idempotency } from '../storage/idempotency.ts';
import { Meta } from '../storage/meta.ts';
import { migrate } from '../storage/migrations.ts';
import { Schedule } from '../storage/schedule.ts';
import { trustDomainSchema } from '../storage/schema.ts';
import { clusterConfig, otherKeys } from './cluster_config.ts';
import { Clusters } from './clusters.ts';
import { answer, expectOk, fail } from './outcome.ts';
import { Push } from './push.ts';
import { fingerprintOf, Roots } from './roots.ts';
import { thumbprintsOf } from './token_keys.ts';
import { Turns } from './turns.ts';
import type {
  Actor,
  AuditEntry,
  BundleDocument,
  CaFailure,
  Certified,
  CertifyRequest,
  ClusterConfigInput,
  ClusterInfo,
  ClusterKeysInput,
  ClusterKeysSet,
  DirectoryRpc,
  NewAuditEntry,
  Page,
  PageRequest,
  Remote,
  RootInfo,
  Revocation,
  RevocationInput,
  RevocationMark,
  Rpc,
  TrustDomainRpc,
} from './rpc.ts';

const BUNDLE_VERSION = 'bundle-version';
/** The object itself, where it certifies what a cluster's issuer asks for. */
const SERVICE: Actor = { id: 'service', name: 'ambient-ca', role: 'operator' };

/** Coordinates one trust domain: its roots, the bundle, and the configuration of its clusters, which it pushes to them. */
export class TrustDomain extends DurableObject implements TrustDomainRpc {
  readonly #sql = this.ctx.storage.sql;
  readonly #now = (): number => Date.now();
  readonly #log = consoleLog('trust-domain', this.#now);
  readonly #meta = new Meta(this.#sql);
  readonly #audit = new AuditLog(this.#sql);
  readonly #idempotency = new Idempotency(this.#sql);
  readonly #roots = new Roots(this.#sql);
  readonly #clusters = new Clusters(this.#sql);
  /** Two roots made at once would both be the first. */
  readonly #turns = new Turns();
  #opened: { vault: Vault; push: Push } | null = null;
  #schedule: Schedule | null = null;
  #failure: CaFailure | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(() => this.#open());
  }

  initialise({ instanceId, name }: { instanceId: string; name: string }): Promise<Rpc<null>> {
    return answer(this.#log, 'initialise', () => {
      this.#usable();
      const known = this.#meta.get('name');
      if (known !== null && (known !== name || this.#meta.get('instance-id') !== instanceId)) {
        fail('invalid', `this object is the trust domain ${known} of another instance or name`);
      }
      this.ctx.storage.transactionSync(() => {
        this.#meta.set('instance-id', instanceId);
        this.#meta.set('name', name);
      });
      return null;
    });
  }

  createRoot(
    actor: Actor,
    input: { keyType: RootInfo['keyType']; name?: string },
    idempotencyKey?: string,
  ): Promise<Rpc<RootInfo>> {
    return answer(this.#log, 'createRoot', async () => {
      const { vault, push } = this.#usable();
      const place = this.#place();
      const hash = await hashRequest(['createRoot', input]);
      const root = await this.#turns.take(async () => {
        const made = this.#idempotency.recall(actor, idempotencyKey, hash, this.#now());
        if (made !== null) return this.#root((made as { id: string }).id);
        await storeCheck(this.#sql, vault, this.#now());
        const fresh = await this.#roots.make(vault, place, { keyType: input.keyType, name: input.name }, this.#now());
        this.ctx.storage.transactionSync(() => {
          const now = this.#now();
          this.#roots.insert(fresh);
          this.#meta.next(BUNDLE_VERSION, now);
          this.#clusters.raiseEpoch(null, now);
          push.planAll(now);
          this.#idempotency.store(actor, idempotencyKey, hash, { id: fresh.info.id }, now);
          const { id, state, fingerprint } = fresh.info;
          this.#record(actor, 'root.create', id, { state, fingerprint, keyType: input.keyType });
        });
        return fresh.info;
      });
      await push.all();
      return root;
    });
  }

  listRoots(): Promise<Rpc<RootInfo[]>> {
    return answer(this.#log, 'listRoots', () => {
      this.#place();
      return this.#roots.list();
    });
  }

  getRoot(id: string): Promise<Rpc<RootInfo>> {
    return answer(this.#log, 'getRoot', () => {
      this.#place();
      return this.#root(id);
    });
  }

  enrolCluster(actor: Actor, input: ClusterConfigInput, idempotencyKey?: string): Promise<Rpc<ClusterInfo>> {
    return answer(this.#log, 'enrolCluster', async () => {
      const { push } = this.#usable();
      const { trustDomain } = this.#place();
      const config = clusterConfig(input, this.env.ENVIRONMENT);
      const thumbprints = (await Promise.all(config.keySets.map(thumbprintsOf))).flat();
      const hash = await hashRequest(['enrolCluster', input]);
      const { name, region } = input;
      this.ctx.storage.transactionSync(() => {
        const now = this.#now();
        if (this.#idempotency.recall(actor, idempotencyKey, hash, now) !== null) return;
        if (!this.#roots.hasActive()) {
          fail('no-root', `the trust domain ${trustDomain} has no root that could sign for a cluster`, {
            fix: `ambient-ca root create --trust-domain ${trustDomain}`,
          });
        }
        const objectId = this.env.CLUSTER_ISSUER.newUniqueId().toString();
        const confirmAllNamespaces = input.confirmAllNamespaces === true;
        this.#clusters.insert({ name, objectId, region, config, thumbprints, confirmAllNamespaces }, now);
        push.plan(name, now);
        this.#idempotency.store(actor, idempotencyKey, hash, { name }, now);
        const { namespaces, servingNames } = config;
        this.#record(actor, 'cluster.enrol', name, { region, namespaces, servingNames, objectId });
      });
      await push.one(name);
      return this.#clusters.get(name);
    });
  }

  listClusters(): Promise<Rpc<ClusterInfo[]>> {
    return answer(this.#log, 'listClusters', () => {
      this.#place();
      return this.#clusters.list();
    });
  }

  getCluster(name: string): Promise<Rpc<ClusterInfo>> {
    return answer(this.#log, 'getCluster', () => {
      this.#place();
      return this.#clusters.get(name);
    });
  }

  disableCluster(actor: Actor, name: string): Promise<Rpc<{ enforced: boolean; epoch: number }>> {
    return answer(this.#log, 'disableCluster', async () => {
      const { push } = this.#usable();
      this.#place();
      this.ctx.storage.transactionSync(() => {
        const now = this.#now();
        const before = this.#clusters.get(name);
        if (before.enabled) {
          this.#clusters.disable(name);
          this.#clusters.raiseEpoch(name, now);
          push.plan(name, now);
        }
        const { enabled, epoch } = this.#clusters.get(name);
        const changes = { enabledBefore: before.enabled, enabled, epochBefore: before.epoch, epoch };
        this.#record(actor, 'cluster.disable', name, changes);
      });
      await push.one(name);
      const { epoch, acknowledgedEpoch } = this.#clusters.get(name);
      return { enforced: acknowledgedEpoch === epoch, epoch };
    });
  }

  setClusterKeys(actor: Actor, name: string, input: ClusterKeysInput): Promise<Rpc<ClusterKeysSet>> {
    return answer(this.#log, 'setClusterKeys', async () => {
      const { push } = this.#usable();
      const keySet = otherKeys(input, this.#clusters.get(name));
      const { issuer } = keySet;
      const thumbprints = await thumbprintsOf(keySet);
      const after = thumbprints.map(({ thumbprint }) => thumbprint);
      const before = this.ctx.storage.transactionSync(() => {
        const now = this.#now();
        const replaced = this.#clusters.replaceKeys(name, keySet, thumbprints);
        this.#clusters.raiseEpoch(name, now);
        push.plan(name, now);
        this.#record(actor, 'cluster.keys.set', name, { issuer, before: replaced, after });
        return replaced;
      });
      await push.one(name);
      const { epoch, acknowledgedEpoch } = this.#clusters.get(name);
      return { enforced: acknowledgedEpoch === epoch, epoch, issuer, before, after };
    });
  }

  revoke(actor: Actor, cluster: string, input: RevocationInput): Promise<Rpc<Revocation>> {
    return answer(this.#log, 'revoke', async () => {
      const made = await expectOk(this.#usable().push.issuerOf(cluster).revoke(actor, input));
      const { kind, subject, reason } = made;
      this.#record(actor, 'certificate.revoke', cluster, { kind, subject, reason });
      return made;
    });
  }

  liftRevocation(actor: Actor, cluster: string, mark: RevocationMark): Promise<Rpc<Revocation>> {
    return answer(this.#log, 'liftRevocation', async () => {
      const lifted = await expectOk(this.#usable().push.issuerOf(cluster).liftRevocation(mark));
      const { kind, subject, reason, by, at } = lifted;
      this.#record(actor, 'certificate.unrevoke', cluster, { kind, subject, reasonBefore: reason, by, at });
      return lifted;
    });
  }

  bundle(): Promise<Rpc<BundleDocument>> {
    return answer(this.#log, 'bundle', () => {
      const { trustDomain } = this.#place();
      this.#schedule?.noticeOverdue();
      return { trustDomain, version: this.#bundleVersion(), ...this.#roots.bundle() };
    });
  }

  certify({ cluster, purpose, spki }: CertifyRequest): Promise<Rpc<Certified>> {
    return answer(this.#log, 'certify', async () => {
      const { vault } = this.#usable();
      const place = this.#place();
      if (!this.#clusters.get(cluster).enabled) fail('cluster-disabled', `the cluster ${cluster} is disabled`);
      const key = fromBase64(spki);
      const info = parsePublicKey(key);
      if (info.kind !== 'ec' || info.curve !== 'P-256') fail('invalid', 'an intermediate has a P-256 key');
      const made = await this.#roots.certify(vault, place, { cluster, purpose, spki: key }, this.#now());
      const { der, certificate, rootId, notBefore, notAfter } = made;
      const fingerprint = await fingerprintOf(der);
      const now = this.#now();
      this.ctx.storage.transactionSync(() => {
        this.#sql.exec(
          'INSERT INTO intermediates VALUES (?, ?, ?, ?, ?, ?, ?)',
          fingerprint,
          cluster,
          purpose,
          rootId,
          der,
          notAfter,
          now,
        );
        this.#record(SERVICE, 'intermediate.certify', cluster, { purpose, fingerprint, root: rootId });
      });
      return { certificate, rootId, notBefore, notAfter };
    });
  }

  appendAudit(entry: NewAuditEntry): Promise<Rpc<null>> {
    return answer(this.#log, 'appendAudit', () => {
      this.#place();
      this.#audit.append(entry, this.#now());
      return null;
    });
  }

  audit(page: PageRequest): Promise<Rpc<Page<AuditEntry>>> {
    return answer(this.#log, 'audit', () => {
      this.#place();
      return this.#audit.page(page);
    });
  }

  override async alarm(): Promise<void> {
    await this.#schedule?.run();
  }

  async #open(): Promise<void> {
    this.#failure = migrate(this.ctx.storage, trustDomainSchema, this.#now());
    if (this.#failure !== null) return;
    this.#schedule = new Schedule({
      storage: this.ctx.storage,
      handlers: {
        push: async (cluster) => {
          await this.#usable().push.deliver(cluster);
          return null;
        },
      },
      now: this.#now,
      log: this.#log,
    });
    const vault = await openVault(this.#sql, this.env.KEK);
    if (!(vault instanceof Vault)) {
      this.#failure = vault;
      return;
    }
    const directory = this.env.DIRECTORY.get(this.env.DIRECTORY.idFromName('directory'));
    const push = new Push({
      clusters: this.#clusters,
      schedule: this.#schedule,
      namespace: this.env.CLUSTER_ISSUER,
      now: this.#now,
      log: this.#log,
      domain: () => ({
        ...this.#place(),
        trustDomainObjectId: this.ctx.id.toString(),
        bundle: { version: this.#bundleVersion(), ...this.#roots.bundle() },
      }),
      register: async (trustDomain, cluster) => {
        await expectOk((directory as unknown as Remote<DirectoryRpc>).registerCluster(trustDomain, cluster));
      },
    });
    this.#opened = { vault, push };
  }

  #usable(): { vault: Vault; push: Push } {
    if (this.#failure !== null) fail(this.#failure.code, this.#failure.detail, this.#failure);
    return this.#opened ?? fail('not-ready', 'the trust domain is starting');
  }

  #place(): Pick<KeyUse, 'instanceId' | 'trustDomain'> {
    this.#usable();
    const instanceId = this.#meta.get('instance-id');
    const trustDomain = this.#meta.get('name');
    if (instanceId === null || trustDomain === null) return fail('not-ready', 'the trust domain is being created');
    return { instanceId, trustDomain };
  }

  #root(id: string): RootInfo {
    return (
      this.#roots.list().find((root) => root.id === id) ??
      fail('not-found', `no root has the id ${id}`, { fix: 'ambient-ca root list' })
    );
  }

  #bundleVersion(): number {
    return Number(this.#meta.get(BUNDLE_VERSION) ?? 0);
  }

  #record(actor: Actor, action: string, subject: string, detail: AuditEntry['detail']): void {
    this.#audit.append({ actor, action, subject, outcome: 'done', detail }, this.#now());
  }
}

import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { openVault, storeCheck, Vault } from '../keys/vault.ts';
import { consoleLog } from '../log.ts';
import { isTrustDomain } from '../../../pki/src/spiffe_id.ts';
import { AuditLog } from '../storage/audit.ts';
import { hashRequest, Idempotency } from '../storage/idempotency.ts';
import { Meta } from '../storage/meta.ts';
import { migrate } from '../storage/migrations.ts';
import { Schedule } from '../storage/schedule.ts';
import { directorySchema } from '../storage/schema.ts';
import { ApiTokens } from './api_tokens.ts';
import { answer, expectOk, fail } from './outcome.ts';
import type {
  Actor,
  AuditEntry,
  Authenticated,
  BootstrapInput,
  CaFailure,
  DirectoryRpc,
  DirectoryStatus,
  KekState,
  Names,
  NewAuditEntry,
  Page,
  PageRequest,
  Remote,
  Rpc,
  TokenInfo,
  TokenInput,
  TrustDomainRpc,
} from './rpc.ts';

type TrustDomainRow = { name: string; object_id: string };
type ClusterRow = { trust_domain: string; name: string; object_id: string; region: string; enrolled_at: number };

/** Where a deployment keeps what exists: its instance id, its admins, and the names of trust domains and clusters. */
export class Directory extends DurableObject implements DirectoryRpc {
  readonly #sql = this.ctx.storage.sql;
  readonly #now = (): number => Date.now();
  readonly #log = consoleLog('directory', this.#now);
  readonly #meta = new Meta(this.#sql);
  readonly #audit = new AuditLog(this.#sql);
  readonly #idempotency = new Idempotency(this.#sql);
  readonly #tokens = new ApiTokens(this.#sql);
  #schedule: Schedule | null = null;
  #vault: Vault | null = null;
  #failure: CaFailure | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(() => this.#open());
  }

  status(): Promise<Rpc<DirectoryStatus>> {
    return answer(this.#log, 'status', () => ({
      instanceId: this.#failure?.code === 'schema-newer' ? null : this.#meta.get('instance-id'),
      bootstrapped: this.#failure?.code !== 'schema-newer' && this.#meta.get('bootstrapped-at') !== null,
      kek: (this.#failure?.code ?? 'ok') as KekState,
      reason: this.#failure?.detail ?? null,
    }));
  }

  bootstrap(input: BootstrapInput): Promise<Rpc<{ instanceId: string }>> {
    return answer(this.#log, 'bootstrap', async () => {
      const vault = this.#usable();
      await storeCheck(this.#sql, vault, this.#now());
      // Read after the await: of two calls at once, one creates.
      if (this.#meta.get('bootstrapped-at') !== null) {
        fail('already-bootstrapped', 'this deployment was bootstrapped before, which happens once', {
          fix: 'ambient-ca api-token create, with the token of an admin',
        });
      }
      const now = this.#now();
      const instanceId = crypto.randomUUID();
      const actor: Actor = { id: 'bootstrap', name: 'bootstrap token', role: 'admin' };
      this.ctx.storage.transactionSync(() => {
        this.#meta.set('instance-id', instanceId);
        this.#meta.set('bootstrapped-at', String(now));
        const token: TokenInput = {
          id: input.tokenId,
          name: input.tokenName,
          tokenHash: input.tokenHash,
          role: 'admin',
          trustDomains: '*',
          expiresAt: input.expiresAt,
        };
        this.#tokens.create(token, actor.name, now);
        this.#record(actor, 'deployment.bootstrap', instanceId, { token: input.tokenId });
      });
      return { instanceId };
    });
  }

  authenticate(tokenHash: string): Promise<Rpc<Authenticated>> {
    return answer(this.#log, 'authenticate', () => {
      this.#bootstrapped();
      this.#schedule?.noticeOverdue();
      return (
        this.#tokens.authenticate(tokenHash, this.#now()) ??
        fail('unauthenticated', 'the API token is unknown, expired or revoked', { fix: 'ambient-ca api-token create' })
      );
    });
  }

  createToken(actor: Actor, input: TokenInput, idempotencyKey?: string): Promise<Rpc<TokenInfo>> {
    return answer(this.#log, 'createToken', async () => {
      this.#bootstrapped();
      const { id, name, role, trustDomains, expiresAt } = input;
      const hash = await hashRequest(['createToken', { name, role, trustDomains }]);
      return this.ctx.storage.transactionSync(() => {
        const now = this.#now();
        const made = this.#idempotency.recall(actor, idempotencyKey, hash, now) as { id: string } | null;
        // Only the hash of the secret is kept, so the first answer cannot be given again.
        if (made !== null) {
          fail('already-exists', `this request made the token ${made.id} before, and a secret is answered once`, {
            fix: `ambient-ca api-token revoke ${made.id}, then create another`,
          });
        }
        const token = this.#tokens.create(input, actor.name, now);
        this.#idempotency.store(actor, idempotencyKey, hash, { id }, now);
        this.#record(actor, 'token.create', id, { name, role, trustDomains, expiresAt });
        return token;
      });
    });
  }

  listTokens(): Promise<Rpc<TokenInfo[]>> {
    return answer(this.#log, 'listTokens', () => {
      this.#bootstrapped();
      return this.#tokens.list();
    });
  }

  revokeToken(actor: Actor, id: string): Promise<Rpc<TokenInfo>> {
    return answer(this.#log, 'revokeToken', () => {
      this.#bootstrapped();
      return this.ctx.storage.transactionSync(() => {
        const token = this.#tokens.revoke(id, this.#now());
        this.#record(actor, 'token.revoke', id, { name: token.name });
        return token;
      });
    });
  }

  names(): Promise<Rpc<Names>> {
    return answer(this.#log, 'names', () => {
      const instanceId = this.#bootstrapped();
      const names: Names = { instanceId, trustDomains: {} };
      for (const { name, object_id } of this.#sql.exec<TrustDomainRow>('SELECT name, object_id FROM trust_domains')) {
        names.trustDomains[name] = { objectId: object_id, clusters: {} };
      }
      for (const row of this.#sql.exec<ClusterRow>('SELECT * FROM clusters')) {
        const domain = names.trustDomains[row.trust_domain];
        if (domain === undefined) continue;
        domain.clusters[row.name] = { objectId: row.object_id, region: row.region, enrolledAt: row.enrolled_at };
      }
      return names;
    });
  }

  createTrustDomain(
    actor: Actor,
    { name }: { name: string },
    idempotencyKey?: string,
  ): Promise<Rpc<{ name: string; objectId: string }>> {
    return answer(this.#log, 'createTrustDomain', async () => {
      this.#bootstrapped();
      // The name begins the names of its CAs, so it must begin as those may.
      if (!isTrustDomain(name) || !/^[a-z0-9]/.test(name)) {
        fail('invalid', `${name} is not a trust domain: lower-case letters, digits, dots, dashes and underscores`);
      }
      const hash = await hashRequest(['createTrustDomain', { name }]);
      const made = this.#idempotency.recall(actor, idempotencyKey, hash, this.#now());
      const objectId = this.#recordTrustDomain(actor, name, made !== null, (now) =>
        this.#idempotency.store(actor, idempotencyKey, hash, { name }, now),
      );
      await this.#initialise(name);
      return { name, objectId };
    });
  }

  registerCluster(
    trustDomain: string,
    { name, objectId, region }: { name: string; objectId: string; region: string },
  ): Promise<Rpc<null>> {
    return answer(this.#log, 'registerCluster', () => {
      this.#bootstrapped();
      this.#sql.exec(
        'INSERT INTO clusters VALUES (?, ?, ?, ?, ?) ON CONFLICT (trust_domain, name) DO NOTHING',
        trustDomain,
        name,
        objectId,
        region,
        this.#now(),
      );
      return null;
    });
  }

  appendAudit(entry: NewAuditEntry): Promise<Rpc<null>> {
    return answer(this.#log, 'appendAudit', () => {
      this.#bootstrapped();
      this.#audit.append(entry, this.#now());
      return null;
    });
  }

  audit(page: PageRequest): Promise<Rpc<Page<AuditEntry>>> {
    return answer(this.#log, 'audit', () => {
      this.#bootstrapped();
      return this.#audit.page(page);
    });
  }

  override async alarm(): Promise<void> {
    await this.#schedule?.run();
  }

  async #open(): Promise<void> {
    this.#failure = migrate(this.ctx.storage, directorySchema, this.#now());
    if (this.#failure !== null) return;
    this.#schedule = new Schedule({
      storage: this.ctx.storage,
      handlers: {
        initialise: async (name) => {
          await this.#initialise(name);
          return null;
        },
      },
      now: this.#now,
      log: this.#log,
    });
    const vault = await openVault(this.#sql, this.env.KEK);
    if (vault instanceof Vault) this.#vault = vault;
    else this.#failure = vault;
    this.#failure ??= this.#missingState();
  }

  /** A deployment that knows its instance never begins anew: an empty or foreign directory is lost state, not a first start. */
  #missingState(): CaFailure | null {
    const expected = this.env.INSTANCE_ID;
    const found = this.#meta.get('instance-id');
    // workerd gives null for a variable that is not set.
    if ((expected ?? '') === '' || found === expected) return null;
    return {
      code: 'state-missing',
      detail: `this deployment is set to instance ${expected}, and its directory is ${found === null ? 'empty' : `that of ${found}`}`,
      fix: 'restore the state, or correct the jurisdiction or INSTANCE_ID',
    };
  }

  #usable(): Vault {
    if (this.#failure !== null) fail(this.#failure.code, this.#failure.detail, this.#failure);
    return this.#vault ?? fail('not-ready', 'the directory is starting');
  }

  #bootstrapped(): string {
    this.#usable();
    return (
      this.#meta.get('instance-id') ??
      fail('not-bootstrapped', 'this deployment was not bootstrapped yet', { fix: 'ambient-ca bootstrap' })
    );
  }

  /** Written before the other object is touched, so that a fault in between leaves a name that the schedule completes. */
  #recordTrustDomain(actor: Actor, name: string, repeated: boolean, store: (now: number) => void): string {
    const [known] = this.#sql
      .exec<{
        object_id: string;
        initialised_at: number | null;
      }>('SELECT object_id, initialised_at FROM trust_domains WHERE name = ?', name)
      .toArray();
    if (known !== undefined && (repeated || known.initialised_at === null)) return known.object_id;
    if (known !== undefined) fail('already-exists', `the trust domain ${name} exists`);
    const objectId = this.env.TRUST_DOMAIN.newUniqueId().toString();
    const now = this.#now();
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec('INSERT INTO trust_domains VALUES (?, ?, ?, NULL)', name, objectId, now);
      store(now);
      this.#record(actor, 'trust-domain.create', name, { objectId });
    });
    this.#schedule?.plan(`initialise:${name}`, now + 10_000);
    return objectId;
  }

  async #initialise(name: string): Promise<void> {
    const instanceId = this.#bootstrapped();
    const { object_id } = this.#sql
      .exec<{ object_id: string }>('SELECT object_id FROM trust_domains WHERE name = ?', name)
      .one();
    const stub = this.env.TRUST_DOMAIN.get(this.env.TRUST_DOMAIN.idFromString(object_id));
    await expectOk((stub as unknown as Remote<TrustDomainRpc>).initialise({ instanceId, name }));
    this.#sql.exec('UPDATE trust_domains SET initialised_at = ? WHERE name = ?', this.#now(), name);
    this.#schedule?.cancel(`initialise:${name}`);
  }

  #record(actor: Actor, action: string, subject: string, detail: AuditEntry['detail']): void {
    this.#audit.append({ actor, action, subject, outcome: 'done', detail }, this.#now());
  }
}

import { DurableObject } from 'cloudflare:workers';
import { toBase64, toHex } from '../../../pki/src/bytes.ts';
import { encodeBatchAnswer, encodeServingAnswer, encodeTrustDocument } from '../client/protocol.ts';
import type { Problem } from '../client/problem.ts';
import type { Env } from '../env.ts';
import { problemOf, CaError } from '../errors.ts';
import { jsonBody, problemBody, sealAnswer, type AnswerBody } from '../issuance/answers.ts';
import { Configuration } from '../issuance/configuration.ts';
import { decideAndRecord, type DecisionContext } from '../issuance/decide.ts';
import { Freshness } from '../issuance/freshness.ts';
import { KeyRing, type RenewableKey } from '../issuance/key_ring.ts';
import type { Intermediate, IntermediatePurpose } from '../issuance/key_store.ts';
import { itemFields } from '../issuance/log_fields.ts';
import { pooledRandom } from '../issuance/random_pool.ts';
import { decideServing } from '../issuance/serving.ts';
import { signAndCompare, signRecorded } from '../issuance/sign.ts';
import { trustDocument } from '../issuance/trust_document.ts';
import { openVault, storeCheck, Vault } from '../keys/vault.ts';
import { Ledger } from '../ledger/ledger.ts';
import { countCertificates, findCertificate, readCertificates } from '../ledger/read.ts';
import { Revocations } from '../ledger/revocations.ts';
import { ledgerTasks, planLedgerTasks } from '../ledger/tasks.ts';
import { consoleLog } from '../log.ts';
import { migrate } from '../storage/migrations.ts';
import { Schedule } from '../storage/schedule.ts';
import { clusterIssuerSchema } from '../storage/schema.ts';
import { answer, expectOk, fail } from './outcome.ts';
import { decodeIssueRequest, decodeServingRequest, type RequestFacts } from './packed.ts';
import type {
  Actor,
  CaFailure,
  Certified,
  CertificateQuery,
  ClusterIssuerRpc,
  ConfigAck,
  ConfigPush,
  ConfigSnapshot,
  IssuerHealth,
  LedgerCounts,
  LedgerRow,
  PackedAnswer,
  Page,
  Remote,
  Revocation,
  RevocationInput,
  RevocationMark,
  Rpc,
  TrustDomainRpc,
} from './rpc.ts';

/** How soon what could not be provisioned is tried again. */
const PROVISION_RETRY_MS = 5_000;

type Serving = {
  ledger: Ledger;
  revocations: Revocations;
  schedule: Schedule;
  configuration: Configuration;
  vault: Vault;
};

/** Signs for one cluster: its intermediates, its copy of the configuration, its ledger. An issuance touches this object only. */
export class ClusterIssuer extends DurableObject implements ClusterIssuerRpc {
  readonly #now = (): number => Date.now();
  readonly #log = consoleLog('cluster-issuer', this.#now);
  readonly #random = pooledRandom((length) => crypto.getRandomValues(new Uint8Array(length)));
  readonly #freshness = new Freshness(this.#random(6), this.#now());
  #serving: Serving | null = null;
  #ring: KeyRing | null = null;
  #failure: CaFailure | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(() => this.#open());
  }

  configure(push: ConfigPush): Promise<Rpc<ConfigAck>> {
    return answer(this.#log, 'configure', async () => {
      const { configuration, vault, schedule } = this.#usable();
      await storeCheck(this.ctx.storage.sql, vault, this.#now());
      const epoch = configuration.take(push);
      this.#ring ??= this.#makeRing(push);
      schedule.plan('provision', this.#now() + PROVISION_RETRY_MS);
      planLedgerTasks(schedule, this.#now());
      try {
        await this.#ring.ensure();
        schedule.cancel('provision');
      } catch (error) {
        this.#log('provision-failed', { cluster: push.cluster, reason: String(error) });
      }
      return { epoch, ready: this.#ring.ready };
    });
  }

  snapshot(): Promise<Rpc<ConfigSnapshot>> {
    return answer(this.#log, 'snapshot', () => {
      const { push } = this.#configured();
      const { evidence } = this.#readyRing().keys;
      if (evidence === null) fail('not-ready', 'the keys of the cluster are being made');
      return {
        epoch: push.epoch,
        enabled: push.enabled,
        trustDomain: push.trustDomain,
        cluster: push.cluster,
        clusterId: push.clusterId,
        namespaces: push.namespaces,
        trustedNodeAccounts: push.trustedNodeAccounts,
        agentAccount: push.agentAccount,
        keySets: push.keySets,
        tokenAudience: push.tokenAudience,
        servingNames: push.servingNames,
        ttl: push.ttl,
        evidence: { kid: evidence.kid, privateJwk: evidence.privateJwk },
        boot: this.#freshness.boot,
        tokensLeaveCluster: true as const,
      };
    });
  }

  trust(requestSignature: string): Promise<PackedAnswer> {
    return answer(this.#log, 'trust', () => {
      const { push } = this.#configured();
      const document = trustDocument(push, this.#readyRing().keys, this.#freshness.boot, this.#now());
      return this.#seal(requestSignature, jsonBody(200, encodeTrustDocument(document)));
    });
  }

  issue(packed: Uint8Array): Promise<PackedAnswer> {
    return answer(this.#log, 'issue', async () => {
      const request = decodeIssueRequest(packed);
      const context = this.#admit(request, 'svid');
      if (context === null) return this.#again(request);
      const decisions = decideAndRecord(context, request);
      const signed = await signRecorded(decisions, context.issuer);
      const { config, ledger } = context;
      const { trustDomain, cluster } = config;
      // One line for a batch: a write for each item would be the dearest part of it.
      this.#log('issuance', {
        trustDomain,
        cluster,
        agent: request.agent.podName,
        items: itemFields(decisions, signed),
      });
      planLedgerTasks(this.#usable().schedule, this.#now(), ledger);
      const body = encodeBatchAnswer({
        version: 1,
        time: this.#now(),
        epoch: config.epoch,
        bundleVersion: config.bundle.version,
        boot: this.#freshness.boot,
        items: signed.map((item) => item.answer),
      });
      return this.#seal(request.requestSignature, jsonBody(200, body));
    });
  }

  serving(packed: Uint8Array): Promise<PackedAnswer> {
    return answer(this.#log, 'serving', async () => {
      const request = decodeServingRequest(packed);
      const context = this.#admit(request, 'serving');
      if (context === null) return this.#again(request);
      const { config, issuer } = context;
      const { linted, issuance } = decideServing(context, request);
      const certificate = await signAndCompare(linted, issuer);
      this.#log('serving-issued', { cluster: config.cluster, id: request.id, serial: toHex(issuance.serial) });
      const body = encodeServingAnswer({
        version: 1,
        time: this.#now(),
        epoch: config.epoch,
        bundleVersion: config.bundle.version,
        boot: this.#freshness.boot,
        id: request.id,
        certificate: toBase64(certificate),
        issuer: issuer.id,
        dnsNames: config.servingNames,
      });
      return this.#seal(request.requestSignature, jsonBody(200, body));
    });
  }

  answerProblem(_status: number, problem: Problem, requestSignature: string): Promise<PackedAnswer> {
    return answer(this.#log, 'answerProblem', () => this.#seal(requestSignature, problemBody(problem)));
  }

  certificates(query: CertificateQuery): Promise<Rpc<Page<LedgerRow>>> {
    return answer(this.#log, 'certificates', () => {
      const { ledger, revocations } = this.#usable();
      const { rows, next } = readCertificates(this.ctx.storage.sql, ledger, query);
      return { rows: rows.map((row) => ({ ...row, revoked: revocations.of(row)?.kind ?? null })), next };
    });
  }

  revoke(actor: Actor, input: RevocationInput): Promise<Rpc<Revocation>> {
    return answer(this.#log, 'revoke', () => {
      const { ledger, revocations } = this.#usable();
      const { trustDomain } = this.#configured().push;
      const find = (serial: string) => findCertificate(this.ctx.storage.sql, ledger, serial);
      return revocations.add(input, { actor, now: this.#now(), trustDomain, find });
    });
  }

  liftRevocation(mark: RevocationMark): Promise<Rpc<Revocation>> {
    return answer(this.#log, 'liftRevocation', () => this.#usable().revocations.lift(mark));
  }

  revocations(): Promise<Rpc<Revocation[]>> {
    return answer(this.#log, 'revocations', () => this.#usable().revocations.list());
  }

  counts(): Promise<Rpc<LedgerCounts>> {
    return answer(this.#log, 'counts', () =>
      countCertificates(this.ctx.storage.sql, this.#usable().ledger, this.#now()),
    );
  }

  health(): Promise<Rpc<IssuerHealth>> {
    return answer(this.#log, 'health', () => {
      const { configuration, schedule } = this.#usable();
      const push = configuration.current?.push;
      return {
        configured: push !== undefined,
        ready: this.#ring?.ready ?? false,
        enabled: push?.enabled ?? false,
        epoch: push?.epoch ?? null,
        boot: this.#freshness.boot,
        overdueTasks: schedule.overdue(),
      };
    });
  }

  override async alarm(): Promise<void> {
    await this.#serving?.schedule.run();
  }

  async #open(): Promise<void> {
    const { storage } = this.ctx;
    this.#failure = migrate(storage, clusterIssuerSchema, this.#now());
    if (this.#failure !== null) return;
    const vault = await openVault(storage.sql, this.env.KEK);
    if (!(vault instanceof Vault)) {
      this.#failure = vault;
      return;
    }
    const ledger = new Ledger(storage);
    const schedule = new Schedule({
      storage,
      handlers: {
        ...ledgerTasks(storage, ledger, this.#now),
        provision: async () => {
          await this.#ring?.ensure();
          return null;
        },
        renew: (key) => this.#readyRing().renew(key as RenewableKey),
      },
      now: this.#now,
      log: this.#log,
    });
    const configuration = new Configuration(storage.sql, this.#now);
    this.#serving = { ledger, revocations: new Revocations(storage.sql), schedule, configuration, vault };
    if (configuration.current === null) return;
    this.#ring = this.#makeRing(configuration.current.push);
    const opened = await answer(this.#log, 'open', () => this.#ring?.load());
    if (!opened.ok) this.#failure = opened.error;
  }

  #makeRing({ instanceId, trustDomain, trustDomainObjectId, cluster }: ConfigPush): KeyRing {
    const { vault, schedule, configuration } = this.#usable();
    const namespace = this.env.TRUST_DOMAIN;
    return new KeyRing({
      storage: this.ctx.storage,
      vault,
      place: { instanceId, trustDomain },
      certify: (purpose: IntermediatePurpose, spki: string): Promise<Certified> => {
        const stub = namespace.get(namespace.idFromString(trustDomainObjectId)) as unknown as Remote<TrustDomainRpc>;
        return expectOk(stub.certify({ cluster, purpose, spki }));
      },
      now: this.#now,
      random: this.#random,
      schedule,
      maximumTtl: () => configuration.current?.push.ttl.maximum ?? 0,
    });
  }

  #usable(): Serving {
    if (this.#failure !== null) fail(this.#failure.code, this.#failure.detail, this.#failure);
    return this.#serving ?? fail('not-ready', 'the object is starting');
  }

  #configured(): NonNullable<Configuration['current']> {
    const { configuration, schedule } = this.#usable();
    schedule.noticeOverdue();
    return configuration.current ?? fail('not-ready', 'the cluster has no configuration yet');
  }

  #readyRing(): KeyRing {
    return this.#ring ?? fail('not-ready', 'the cluster has no configuration yet');
  }

  /**
   * Checks that a request may be decided on, and takes its nonce. Null for one that has to be signed again. Synchronous:
   * the decision that follows rests on the configuration as read here.
   */
  #admit(request: RequestFacts, purpose: IntermediatePurpose): DecisionContext | null {
    const { push: config, policy, limiter } = this.#configured();
    if (request.epoch !== config.epoch) {
      fail('stale-epoch', `the request was verified by epoch ${request.epoch}, in force is ${config.epoch}`);
    }
    if (!config.enabled) fail('cluster-disabled', `the cluster ${config.cluster} is disabled`);
    const issuer: Intermediate | null = this.#readyRing().keys[purpose];
    if (issuer === null) fail('not-ready', `the cluster has no ${purpose} intermediate yet`);
    const now = this.#now();
    if (!this.#freshness.accept(request.nonce, request.created, now)) return null;
    const { ledger, revocations } = this.#usable();
    return { config, policy, limiter, issuer, ledger, revocations, random: this.#random, now };
  }

  #again({ requestSignature }: RequestFacts): Promise<Uint8Array> {
    const extra = { boot: this.#freshness.boot, time: this.#now() };
    const problem = problemOf(new CaError('again', 'sign the request for this boot and by this time', { extra }));
    return this.#seal(requestSignature, problemBody(problem));
  }

  #seal(requestSignature: string, body: AnswerBody): Promise<Uint8Array> {
    const key = this.#readyRing().keys.answer ?? fail('not-ready', 'the keys of the cluster are being made');
    return sealAnswer(key, requestSignature, body, this.#now());
  }
}

import type { Log } from '../log.ts';
import type { Schedule } from '../storage/schedule.ts';
import type { Clusters } from './clusters.ts';
import type { ClusterIssuer } from './cluster_issuer.ts';
import { expectOk } from './outcome.ts';
import type { ClusterIssuerRpc, ConfigPush, Remote } from './rpc.ts';

/** What a push says besides the cluster's own configuration. */
type DomainPart = Pick<ConfigPush, 'instanceId' | 'trustDomain' | 'trustDomainObjectId' | 'bundle'>;

export interface PushOptions {
  clusters: Clusters;
  schedule: Schedule;
  namespace: DurableObjectNamespace<ClusterIssuer>;
  now: () => number;
  log: Log;
  domain: () => DomainPart;
  /** Tells the directory of a cluster, so that its name can be found. */
  register: (trustDomain: string, cluster: { name: string; objectId: string; region: string }) => Promise<void>;
}

/** The schedule takes over when the push that a request makes itself has not been acknowledged by then. */
const TAKE_OVER_MS = 10_000;
const LOCATION_HINTS: readonly string[] = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'];

/** Delivers configurations to the clusters' issuers until each has acknowledged its latest epoch. */
export class Push {
  readonly #options: PushOptions;

  constructor(options: PushOptions) {
    this.#options = options;
  }

  /** To be called in the transaction that changes a configuration: from then on it is delivered, whatever happens. */
  plan(cluster: string, now: number): void {
    this.#options.schedule.plan(`push:${cluster}`, now + TAKE_OVER_MS);
  }

  planAll(now: number): void {
    for (const { name } of this.#options.clusters.list()) this.plan(name, now);
  }

  /** Tries once. What fails stays planned and visible as an epoch that is not acknowledged. */
  async one(cluster: string): Promise<void> {
    try {
      await this.deliver(cluster);
    } catch (error) {
      this.#options.log('push-failed', { cluster, reason: String(error) });
    }
  }

  async all(): Promise<void> {
    await Promise.all(this.#options.clusters.list().map(({ name }) => this.one(name)));
  }

  /** Throws until the cluster's issuer enforces the latest epoch and the directory knows the cluster. */
  async deliver(cluster: string): Promise<void> {
    const { clusters, domain, now, register, schedule } = this.#options;
    const { name, objectId, region, epoch, createdAt: _, acknowledgedEpoch: __, ...config } = clusters.get(cluster);
    const part = domain();
    const ack = await expectOk(
      this.#issuer(objectId, region).configure({ ...config, ...part, cluster: name, region, epoch }),
    );
    if (ack.epoch > epoch) this.#overtake(cluster, ack.epoch);
    else clusters.acknowledge(cluster, ack.epoch);
    if (!clusters.isRegistered(cluster)) {
      await register(part.trustDomain, { name, objectId, region });
      clusters.registered(cluster, now());
    }
    const latest = clusters.get(cluster);
    if (latest.acknowledgedEpoch !== latest.epoch) {
      throw new Error(`acknowledged is ${latest.acknowledgedEpoch}, the latest epoch is ${latest.epoch}`);
    }
    // In the turn that saw the latest epoch enforced: a change between the two would lose its plan.
    schedule.cancel(`push:${cluster}`);
  }

  /** The issuer enforces something newer than we know, as after a restore of an old state: ours must get past it to count. */
  #overtake(cluster: string, theirs: number): void {
    const { clusters, now } = this.#options;
    if (clusters.get(cluster).epoch <= theirs) clusters.raiseEpoch(cluster, Math.max(theirs + 1, now()));
  }

  /** The issuer of an enrolled cluster. @throws ObjectError `not-found` */
  issuerOf(cluster: string): Remote<ClusterIssuerRpc> {
    const { objectId, region } = this.#options.clusters.get(cluster);
    return this.#issuer(objectId, region);
  }

  /** The hint counts only for the call that creates the object. */
  #issuer(objectId: string, region: string): Remote<ClusterIssuerRpc> {
    const { namespace } = this.#options;
    const hint = LOCATION_HINTS.includes(region) ? { locationHint: region as DurableObjectLocationHint } : {};
    return namespace.get(namespace.idFromString(objectId), hint);
  }
}

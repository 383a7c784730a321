import { coversAllNamespaces, type ClusterConfig } from './cluster_config.ts';
import { fail } from './outcome.ts';
import type { ClusterInfo, KeySet } from './rpc.ts';

type Row = {
  name: string;
  object_id: string;
  region: string;
  config: string;
  enabled: number;
  epoch: number;
  acknowledged_epoch: number | null;
  registered_at: number | null;
  created_at: number;
};

export interface NewCluster {
  name: string;
  objectId: string;
  region: string;
  config: ClusterConfig;
  /** RFC 7638 thumbprints of the keys of each token issuer. */
  thumbprints: { issuer: string; thumbprint: string }[];
  confirmAllNamespaces: boolean;
}

/** The clusters of a trust domain: the source of truth of their configuration. */
export class Clusters {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** To be called in a transaction: a refusal leaves it by an exception. */
  insert(cluster: NewCluster, now: number): void {
    const { name, objectId, region, config, thumbprints } = cluster;
    if (this.#find(name) !== null) {
      fail('already-exists', `the cluster ${name} is enrolled`, { fix: `ambient-ca cluster show ${name}` });
    }
    this.#refuseSharedKeys(cluster);
    const others = this.#sql.exec('SELECT 1 FROM clusters LIMIT 1').toArray().length;
    if (others > 0 && coversAllNamespaces(config) && !cluster.confirmAllNamespaces) {
      fail(
        'all-namespaces-unconfirmed',
        `another cluster is enrolled in this trust domain: with all namespaces ${name} could issue every identity of it`,
        { fix: 'name the namespaces, or repeat with --confirm-all-namespaces' },
      );
    }
    this.#sql.exec(
      'INSERT INTO clusters VALUES (?, ?, ?, ?, 1, ?, NULL, NULL, ?)',
      name,
      objectId,
      region,
      JSON.stringify(config),
      now,
      now,
    );
    this.#own(name, thumbprints);
  }

  /**
   * Other keys for an issuer that the cluster has. To be called in a transaction.
   *
   * @param thumbprints of the new keys
   * @returns those of the old ones
   */
  replaceKeys(name: string, keySet: KeySet, thumbprints: NewCluster['thumbprints']): string[] {
    const { keySets } = this.get(name);
    this.#refuseSharedKeys({ name, thumbprints });
    const before = this.#sql
      .exec<{ thumbprint: string }>(
        'DELETE FROM cluster_keys WHERE cluster = ? AND issuer = ? RETURNING thumbprint',
        name,
        keySet.issuer,
      )
      .toArray()
      .map(({ thumbprint }) => thumbprint);
    this.#own(name, thumbprints);
    const replaced = keySets.map((each) => (each.issuer === keySet.issuer ? keySet : each));
    this.#sql.exec(
      "UPDATE clusters SET config = json_set(config, '$.keySets', json(?)) WHERE name = ?",
      JSON.stringify(replaced),
      name,
    );
    return before;
  }

  list(): ClusterInfo[] {
    return this.#sql.exec<Row>('SELECT * FROM clusters ORDER BY name').toArray().map(clusterInfo);
  }

  get(name: string): ClusterInfo {
    return (
      this.#find(name) ?? fail('not-found', `no cluster ${name} is enrolled here`, { fix: 'ambient-ca cluster list' })
    );
  }

  disable(name: string): void {
    this.#sql.exec('UPDATE clusters SET enabled = 0 WHERE name = ?', name);
  }

  /** A new epoch, for one cluster or for all: never below the present, so that no restored state falls behind. */
  raiseEpoch(name: string | null, now: number): void {
    this.#sql.exec('UPDATE clusters SET epoch = MAX(epoch + 1, ?1) WHERE ?2 IS NULL OR name = ?2', now, name);
  }

  acknowledge(name: string, epoch: number): void {
    this.#sql.exec(
      'UPDATE clusters SET acknowledged_epoch = ?1 WHERE name = ?2 AND COALESCE(acknowledged_epoch, 0) < ?1',
      epoch,
      name,
    );
  }

  registered(name: string, now: number): void {
    this.#sql.exec('UPDATE clusters SET registered_at = ? WHERE name = ? AND registered_at IS NULL', now, name);
  }

  isRegistered(name: string): boolean {
    return (
      this.#sql.exec('SELECT 1 FROM clusters WHERE name = ? AND registered_at IS NOT NULL', name).toArray().length > 0
    );
  }

  /** Two clusters with the same issuer and key would accept each other's tokens: each could speak for the other's workloads. */
  #refuseSharedKeys({ name, thumbprints }: Pick<NewCluster, 'name' | 'thumbprints'>): void {
    for (const { issuer, thumbprint } of thumbprints) {
      const [taken] = this.#sql
        .exec<{
          cluster: string;
        }>('SELECT cluster FROM cluster_keys WHERE issuer = ? AND thumbprint = ?', issuer, thumbprint)
        .toArray();
      if (taken === undefined || taken.cluster === name) continue;
      fail('keys-in-use', `${taken.cluster} is enrolled with the same token issuer ${issuer} and a key of ${name}`, {
        fix: 'give each cluster its own service-account signing key, or another --service-account-issuer',
        extra: { cluster: taken.cluster },
      });
    }
  }

  #own(name: string, thumbprints: NewCluster['thumbprints']): void {
    for (const { issuer, thumbprint } of thumbprints) {
      this.#sql.exec('INSERT OR IGNORE INTO cluster_keys VALUES (?, ?, ?)', issuer, thumbprint, name);
    }
  }

  #find(name: string): ClusterInfo | null {
    const [row] = this.#sql.exec<Row>('SELECT * FROM clusters WHERE name = ?', name).toArray();
    return row === undefined ? null : clusterInfo(row);
  }
}

function clusterInfo(row: Row): ClusterInfo {
  return {
    ...(JSON.parse(row.config) as ClusterConfig),
    name: row.name,
    region: row.region,
    objectId: row.object_id,
    enabled: row.enabled === 1,
    epoch: row.epoch,
    acknowledgedEpoch: row.acknowledged_epoch,
    createdAt: row.created_at,
  };
}

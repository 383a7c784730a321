import type { Command } from 'commander';
import { agentSettings, asFlags, pinsOf } from '../agent_settings.ts';
import { addConnectionOptions, connect, type Connection, type ConnectionOptions } from '../ca/connection.ts';
import { addTrustDomainOption, trustDomainOf, withSuggestions, type TrustDomainOption } from '../ca/names.ts';
import type { Cluster } from '../ca/types.ts';
import type { Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { pairs, table } from '../output/table.ts';
import { shortDuration } from '../output/time.ts';
import { addClusterKeysCommands } from './cluster_keys.ts';
import { addEnrolOptions, enrolmentOf, type EnrolOptions } from './enrolment.ts';

type Options = ConnectionOptions & OutputOptions & TrustDomainOption;

export function addClusterCommands(program: Command, io: Io): void {
  const group = program.command('cluster').description('the Kubernetes clusters that may ask for certificates');

  const enrol = addEnrolOptions(group.command('enrol').alias('enroll'));
  addOutputOption(addTrustDomainOption(addConnectionOptions(enrol))).action(
    async (name: string, options: Options & EnrolOptions) => {
      const input = enrolmentOf(name, options);
      const connection = connect(io, options);
      const { api } = connection;
      const trustDomain = await trustDomainOf(io, options, api);
      const made = await withSuggestions(api, { trustDomain }, () => api.enrolCluster(trustDomain, input));
      await printCluster(io, options, connection, trustDomain, made, `cluster ${name} is enrolled in ${trustDomain}`);
    },
  );

  const show = group.command('show').description('the configuration of a cluster, and the pins its agent needs now');
  show.argument('<name>', 'the name given at enrolment');
  addOutputOption(addTrustDomainOption(addConnectionOptions(show))).action(async (name: string, options: Options) => {
    const connection = connect(io, options);
    const { api } = connection;
    const trustDomain = await trustDomainOf(io, options, api);
    const named = { trustDomain, cluster: name };
    const cluster = await withSuggestions(api, named, () => api.showCluster(trustDomain, name));
    await printCluster(io, options, connection, trustDomain, cluster, `cluster ${name} of ${trustDomain}`);
  });

  const list = group.command('list').description('the clusters of a trust domain');
  addOutputOption(addTrustDomainOption(addConnectionOptions(list))).action(async (options: Options) => {
    const { api } = connect(io, options);
    const trustDomain = await trustDomainOf(io, options, api);
    const all = await withSuggestions(api, { trustDomain }, () => api.listClusters(trustDomain));
    emit(io, options, all, () =>
      table(
        ['name', 'cluster id', 'region', 'namespaces', 'state'],
        all.map((c) => [c.name, c.clusterId, c.region, c.namespaces.join(','), stateOf(c)]),
      ),
    );
  });

  addClusterKeysCommands(group, io);

  const disable = group
    .command('disable')
    .description('stop issuing to a cluster; what it holds lives on until it expires');
  disable.argument('<name>', 'the name given at enrolment');
  addOutputOption(addTrustDomainOption(addConnectionOptions(disable))).action(
    async (name: string, options: Options) => {
      const { api } = connect(io, options);
      const trustDomain = await trustDomainOf(io, options, api);
      const named = { trustDomain, cluster: name };
      const answer = await withSuggestions(api, named, () => api.disableCluster(trustDomain, name));
      emit(io, options, answer, () =>
        answer.enforced
          ? `cluster ${name} is disabled: its signer has acknowledged, nothing more is issued\n`
          : `cluster ${name} is disabled, but its signer has not acknowledged yet and may still issue\n` +
            `  next: ambient-ca cluster show ${name} --trust-domain ${trustDomain}   until it says "enforced"\n`,
      );
    },
  );
}

async function printCluster(
  io: Io,
  options: OutputOptions,
  { url, api, tlsRoots }: Connection,
  trustDomain: string,
  cluster: Cluster,
  headline: string,
): Promise<void> {
  const pins = pinsOf(await api.bundlePem(trustDomain));
  const settings = agentSettings(trustDomain, cluster, url, pins, tlsRoots?.path ?? null);
  const document = { cluster, agent: settings, ...(tlsRoots === null ? {} : { caCertificate: tlsRoots.pem }) };
  emit(
    io,
    options,
    document,
    () =>
      `${headline}\n\n${describe(cluster)}\nSettings of its agent, to paste (as flags; -o json has them as an object):\n${asFlags(settings)}` +
      (tlsRoots === null
        ? ''
        : `\nThe CA’s TLS certificate is private; ${tlsRoots.path} on the agent’s side is this file:\n${tlsRoots.pem}`),
  );
}

function describe(cluster: Cluster): string {
  const { ttl } = cluster;
  return pairs([
    ['state', stateOf(cluster)],
    ['epoch', String(cluster.epoch)],
    ['region', cluster.region],
    ['namespaces', cluster.namespaces.join(', ')],
    ['node accounts', cluster.trustedNodeAccounts.join(', ') || 'none: no ztunnel may ask on behalf of pods'],
    ['token keys', cluster.keySets.map((s) => `${s.issuer} (${s.keys.length})`).join('\n')],
    [
      'lifetimes',
      `${shortDuration(ttl.floor)} to ${shortDuration(ttl.maximum)}, ${shortDuration(ttl.default)} unless asked`,
    ],
  ]);
}

function stateOf(cluster: Cluster): string {
  const enforced = cluster.acknowledgedEpoch === cluster.epoch ? 'enforced' : 'not acknowledged yet by its signer';
  return `${cluster.enabled ? 'enabled' : 'disabled'}, ${enforced}`;
}

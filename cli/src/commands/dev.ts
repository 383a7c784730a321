import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { describeReport, reportOn } from '../dev/certificate_report.ts';
import { readDescriptor } from '../dev/descriptor.ts';
import { DEFAULT_STATE, devPaths } from '../dev/paths.ts';
import { findPod, readPods } from '../dev/pods.ts';
import { DEFAULT_PORT } from '../dev/ports.ts';
import { startDevelopment, type StartOptions } from '../dev/start.ts';
import { fetchCertificate, KEY_TYPES, ztunnelFor, type WorkloadKeyType } from '../dev/workload.ts';
import { writeSecret, type Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { wholeNumber } from './cert.ts';
import { durationSeconds, namespacedName } from './values.ts';

interface CertificateOptions extends OutputOptions {
  state: string;
  pod?: string;
  asZtunnel?: boolean;
  keyType: WorkloadKeyType;
  ttl: number;
  out?: string;
}

export function addDevCommands(program: Command, io: Io): void {
  const group = program.command('dev').description('a whole CA, agent and made-up cluster on this machine');

  group
    .command('start')
    .description('bring up everything on loopback, and stop it with Ctrl-C (this is `npm start`)')
    .option('--state <dir>', 'where everything is kept; removing it is starting anew', DEFAULT_STATE)
    .option(
      '--port <n>',
      `the agent’s gRPC port; 0 picks free ports (default: ${DEFAULT_PORT} if free)`,
      wholeNumber(65_535, 0),
    )
    .option('--pods <file>', 'JSON array of {namespace, name, uid, serviceAccount, node}')
    .option('--jwks <file>', 'keys to trust for workload tokens beside the local token issuer’s')
    .option('--issuer <iss>', 'issuer of the workload tokens (default: https://kubernetes.default.svc)')
    .option('--min-ttl <duration>', 'shortest life of a certificate, for tests (default: 10m)', durationSeconds)
    .action((options: StartOptions) => startDevelopment(io, options));

  const certificate = group
    .command('certificate')
    .alias('cert')
    .description('get a certificate through the agent as a workload does, check it and print it')
    .argument('<namespace/service-account>', 'as in bookinfo/productpage', namespacedName)
    .option('--pod <name>', 'the pod that asks; without it, the first that runs as the account')
    .option('--as-ztunnel', 'let the ztunnel on the pod’s node ask on its behalf')
    .addOption(new Option('--key-type <type>', 'of the workload’s key').choices(KEY_TYPES).default('ec-p256'))
    .option('--ttl <duration>', 'life to ask for (default: the CA’s)', durationSeconds, 0)
    .option('--out <dir>', 'also write key.pem, cert-chain.pem and root-cert.pem there')
    .option('--state <dir>', 'state folder of the environment', DEFAULT_STATE);
  addOutputOption(certificate, ['text', 'json', 'pem']).action(
    async (account: { namespace: string; name: string }, options: CertificateOptions) => {
      const dev = readDescriptor(devPaths(io.cwd, options.state));
      const pods = readPods(dev.pods, 'pods');
      const pod = findPod(pods, account, options.pod);
      const ztunnel = options.asZtunnel === true ? ztunnelFor(pods, pod) : null;
      const request = { pod, ztunnel, keyType: options.keyType, ttlSeconds: options.ttl };
      const got = await fetchCertificate(dev, request, io.now);
      const report = await reportOn(got, io.now());
      if (options.out !== undefined) writeFiles(resolve(io.cwd, options.out), got.keyPem, got.chain);
      if (options.output === 'pem') return io.out(got.chain.join(''));
      return emit(io, options, { ...report, chain: got.chain }, () => describeReport(report));
    },
  );
}

/** The three files that pilot-agent writes, by its names. */
function writeFiles(dir: string, keyPem: string, chain: readonly string[]): void {
  writeSecret(join(dir, 'key.pem'), keyPem);
  writeFileSync(join(dir, 'cert-chain.pem'), chain.slice(0, -1).join(''));
  writeFileSync(join(dir, 'root-cert.pem'), chain.at(-1) ?? '');
}

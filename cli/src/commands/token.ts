import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { readDescriptor } from '../dev/descriptor.ts';
import { DEFAULT_STATE, devPaths } from '../dev/paths.ts';
import { findPod, readPods } from '../dev/pods.ts';
import { signToken } from '../dev/token_issuer.ts';
import type { Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { collect, durationSeconds, namespacedName } from './values.ts';

interface Options extends OutputOptions {
  state: string;
  serviceAccount: { namespace: string; name: string };
  pod?: string;
  audience: string[];
  ttl: number;
}

export function addTokenCommand(program: Command, io: Io): void {
  const command = program
    .command('token')
    .description('sign a workload token of the development environment, as its made-up API server')
    .requiredOption('--service-account <ns/name>', 'whose token, as in bookinfo/productpage', namespacedName)
    .option('--pod <name>', 'the pod it is bound to; without it, the first that runs as the account', podName)
    .option('--audience <aud>', 'audience (repeatable; that of the CA’s clients without it)', collect, [])
    .option('--ttl <duration>', 'how long it lives', durationSeconds, 12 * 3_600)
    .option('--state <dir>', 'state folder of the environment', DEFAULT_STATE);
  addOutputOption(command).action(async (options: Options) => {
    const dev = readDescriptor(devPaths(io.cwd, options.state));
    const pod = findPod(readPods(dev.pods, 'pods'), options.serviceAccount, options.pod);
    const now = Math.floor(io.now() / 1000);
    const token = await signToken(readFileSync(dev.tokens.keyFile, 'utf8'), {
      issuer: dev.tokens.issuer,
      audiences: options.audience.length === 0 ? [dev.tokens.audience] : options.audience,
      pod,
      lifeSeconds: options.ttl,
      now,
    });
    // ztunnel reads its token file untrimmed, and a newline in it is no header value: `… > token` must not write one.
    emit(io, options, { token, pod, expiresAt: now + options.ttl }, () => `${token}${io.terminal ? '\n' : ''}`);
  });
}

/** `name`, or `namespace/name` as kubectl prints it; the namespace is that of the account. */
function podName(text: string): string {
  const name = text.split('/').at(-1) ?? '';
  if (!/^[a-z0-9][-a-z0-9.]{0,252}$/.test(name)) throw new InvalidArgumentError('It is the name of a pod.');
  return name;
}

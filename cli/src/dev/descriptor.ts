import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { CliError } from '../errors.ts';
import { DEFAULT_STATE, type DevPaths } from './paths.ts';

/** `dev.json`: how any other program joins a running development environment. A public format. */
const schema = z.strictObject({
  trustDomain: z.string(),
  cluster: z.string(),
  clusterId: z.string(),
  agent: z.strictObject({
    /** host:port of the Istio CA gRPC API */
    address: z.string(),
    /** the name in its serving certificate */
    serverName: z.string(),
    /** PEM file */
    rootCert: z.string(),
    pid: z.int(),
    /** URL that answers 200 while ready */
    health: z.string(),
    /** URL of the Prometheus metrics */
    metrics: z.string(),
  }),
  ca: z.strictObject({ url: z.string(), adminTokenFile: z.string(), pid: z.int() }),
  tokens: z.strictObject({
    issuer: z.string(),
    audience: z.string(),
    /** PKCS#8 PEM */
    keyFile: z.string(),
    alg: z.string(),
  }),
  /** JSON array of pods */
  pods: z.string(),
});

export type DevDescriptor = z.infer<typeof schema>;

/** In one step, so that a reader never sees half of it. */
export function writeDescriptor(paths: DevPaths, descriptor: DevDescriptor): void {
  const draft = `${paths.descriptor}.new`;
  writeFileSync(draft, `${JSON.stringify(schema.parse(descriptor), null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, paths.descriptor);
}

export function removeDescriptor(paths: DevPaths): void {
  rmSync(paths.descriptor, { force: true });
}

/** @throws CliError `dev-not-running`, `dev-state` */
export function readDescriptor(paths: DevPaths): DevDescriptor {
  if (!existsSync(paths.descriptor)) {
    throw new CliError('dev-not-running', `no development environment is running with its state in ${paths.dir}`, {
      next: `run \`npm start\` in another terminal, or name its folder with --state (default ${DEFAULT_STATE})`,
    });
  }
  try {
    return schema.parse(JSON.parse(readFileSync(paths.descriptor, 'utf8')));
  } catch (cause) {
    throw new CliError('dev-state', `${paths.descriptor} cannot be read`, { next: 'restart `npm start`', cause });
  }
}

import { readFileSync } from 'node:fs';

/** A CPU profile as the inspector gives it. https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame; children?: number[] }[];
  samples: number[];
  /** µs since the sample before */
  timeDeltas: number[];
}

interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
}

/** A frame, its bundle's line led back to the file that it was built from. */
interface Frame {
  name: string;
  file: string;
}

/** A cost is what any frame of a sample's stack says it is; the first rule that knows one decides. */
export interface CostRule {
  cost: string;
  is: (frame: Frame) => boolean;
}

export interface Cost {
  cost: string;
  /** Of the time that was not idle. */
  share: number;
}

/** Profiles a process through its inspector (a WebSocket URL) while `during` runs. */
export async function profileDuring(inspector: string, during: () => Promise<void>): Promise<CpuProfile> {
  const socket = new WebSocket(inspector);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error(`no inspector at ${inspector}`)), { once: true });
  });
  let last = 0;
  const call = (method: string, params: object = {}): Promise<unknown> => {
    const id = ++last;
    return new Promise((resolve) => {
      const hear = ({ data }: MessageEvent): void => {
        const message = JSON.parse(String(data)) as { id?: number; result?: unknown };
        if (message.id !== id) return;
        socket.removeEventListener('message', hear);
        resolve(message.result);
      };
      socket.addEventListener('message', hear);
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
  try {
    await call('Profiler.enable');
    await call('Profiler.setSamplingInterval', { interval: 500 });
    await call('Profiler.start');
    await during();
    return ((await call('Profiler.stop')) as { profile: CpuProfile }).profile;
  } finally {
    socket.close();
  }
}

/** What the time went into, the largest first; `bundle` is the file that the process runs. */
export function costsOf(
  { nodes, samples, timeDeltas }: CpuProfile,
  bundle: string,
  rules: readonly CostRule[],
): Cost[] {
  const fileAt = sourceFiles(readFileSync(bundle, 'utf8'));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, frameOf(callFrame, bundle, fileAt)]));
  const costs = new Map<number, string>();
  const costOf = (id: number): string => {
    const known = costs.get(id);
    if (known !== undefined) return known;
    const stack: Frame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) stack.push(frames.get(at)!);
    const rule = rules.find(({ is }) => stack.some(is));
    const cost = rule?.cost ?? 'the rest';
    costs.set(id, cost);
    return cost;
  };
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    if (frames.get(id)?.name === '(idle)') continue;
    const time = timeDeltas[index] ?? 0;
    busy += time;
    times.set(costOf(id), (times.get(costOf(id)) ?? 0) + time);
  }
  return [...times].map(([cost, time]) => ({ cost, share: time / busy })).toSorted((a, b) => b.share - a.share);
}

function frameOf(
  { functionName, url, lineNumber }: CallFrame,
  bundle: string,
  fileAt: (line: number) => string,
): Frame {
  const own = url !== '' && bundle.endsWith(url.split('/').at(-1) ?? '');
  return { name: functionName, file: own ? fileAt(lineNumber) : url };
}

/** esbuild names each module by a comment in front of it. */
function sourceFiles(bundle: string): (line: number) => string {
  const marks = bundle.split('\n').flatMap((text, line) => {
    const file = /^\s*\/\/ (\S+\.[cm]?[jt]s)$/.exec(text)?.[1];
    return file === undefined ? [] : [{ line, file }];
  });
  return (line) => marks.findLast((mark) => mark.line <= line)?.file ?? '';
}

const inFile =
  (part: RegExp) =>
  ({ file }: Frame): boolean =>
    part.test(file);
const named =
  (...names: readonly string[]) =>
  ({ name }: Frame): boolean =>
    names.includes(name);

export const AGENT_COSTS: readonly CostRule[] = [
  { cost: 'garbage collection', is: named('(garbage collector)') },
  { cost: 'signatures: of each leaf, of each call and its answer', is: named('verifyOneShot', 'signOneShot') },
  { cost: 'log line and metrics', is: inFile(/observe\.ts|\/pino\/|sonic-boom|prom-client/) },
  { cost: 'reading the leaf and assembling the reply', is: inFile(/edge\/leaf\.ts/) },
  {
    cost: 'the exchange with the CA',
    is: inFile(/edge\/(exchange|call|http|batch|answer|cluster_calls)\.ts|_http_|structured-headers/),
  },
  { cost: 'token, authorization, CSR', is: inFile(/csr-agent\/src\/(pipeline|authenticate|authorize)|pki\/src\/csr/) },
  { cost: 'queue and hold', is: inFile(/csr-agent\/src\/edge\//) },
  { cost: 'gRPC and HTTP/2', is: inFile(/@grpc\/grpc-js|internal\/http2|csr-agent\/src\/grpc/) },
  { cost: 'native code: TLS and system calls', is: named('(program)') },
];

export const CA_COSTS: readonly CostRule[] = [
  { cost: 'garbage collection', is: named('(garbage collector)') },
  {
    cost: 'WebCrypto: possession, signatures, digests',
    is: named('verify', 'sign', 'importKey', 'digest', 'decrypt', 'deriveBits'),
  },
  { cost: 'ledger rows', is: inFile(/ca-service\/src\/ledger/) },
  { cost: 'preparing and linting the leaf', is: inFile(/pki\/src\/leaf/) },
  { cost: 'evidence: token, placement, CSR', is: inFile(/ca-service\/src\/evidence|pki\/src\/csr/) },
  { cost: 'policy and limits', is: inFile(/policies\/src|issuance\/decide/) },
  { cost: 'JSON and the wire', is: inFile(/ca-service\/src\/client|objects\/packed/) },
  { cost: 'Hono and routing', is: inFile(/node_modules\/hono|zod-openapi|src\/routes|src\/app\.ts/) },
  { cost: 'native code: HTTP, RPC between Worker and object, system calls', is: named('(program)') },
];

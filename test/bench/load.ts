import { H2Connection, type Target } from './h2_connection.ts';
import type { HeaderBlocks } from './h2_frames.ts';

export interface Call {
  identity: string;
  /** A gRPC frame, ready to send. */
  data: Buffer;
  /** Of the CSR, to compare with the certificate of a sample. */
  spki: Uint8Array;
}

/** One ztunnel: its headers (its token is in them) and what it asks for, until there is no more. */
export interface Caller {
  blocks: HeaderBlocks;
  next: () => Call | undefined;
}

export interface Sample {
  call: Call;
  message: Buffer;
}

export interface LoadResult {
  /** Milliseconds from sending to the end of the answer, of the calls that succeeded, in the order they ended. */
  latencies: number[];
  errors: number;
  firstError: Call | undefined;
  samples: Sample[];
  /** From before the first connection to the last answer, in milliseconds. */
  elapsed: number;
}

const SAMPLE_EVERY = 97;
const SAMPLES = 200;

/** A closed loop: every caller on a connection of its own with `inFlight` calls open as long as there is something to ask for. */
export async function closedLoop(target: Target, callers: readonly Caller[], inFlight: number): Promise<LoadResult> {
  const result: LoadResult = { latencies: [], errors: 0, firstError: undefined, samples: [], elapsed: 0 };
  const begun = performance.now();
  const connections: H2Connection[] = [];
  try {
    await Promise.all(
      callers.map(async (caller) => {
        const broken = Promise.withResolvers<never>();
        const connection = await H2Connection.open(target, caller.blocks, broken.reject);
        connections.push(connection);
        await Promise.race([drive(connection, caller, inFlight, result), broken.promise]);
      }),
    );
    result.elapsed = performance.now() - begun;
  } finally {
    for (const connection of connections) connection.close();
  }
  return result;
}

/** The same on a connection that is open already, so that its handshake is not counted. */
function drive(connection: H2Connection, caller: Caller, inFlight: number, result: LoadResult): Promise<void> {
  return new Promise((resolve) => {
    let open = 0;
    const sendNext = (): void => {
      const call = caller.next();
      if (call === undefined) {
        if (open === 0) resolve();
        return;
      }
      open++;
      connection.send(call.data, (message, sentAt) => {
        open--;
        if (message === undefined) {
          result.errors++;
          result.firstError ??= call;
        } else {
          result.latencies.push(performance.now() - sentAt);
          if (result.latencies.length % SAMPLE_EVERY === 1 && result.samples.length < SAMPLES) {
            result.samples.push({ call, message: Buffer.from(message) });
          }
        }
        sendNext();
      });
    };
    for (let slot = 0; slot < inFlight; slot++) sendNext();
  });
}

/** The value below which `share` of the sorted numbers lie. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

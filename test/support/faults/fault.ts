/** `up`: from who connected; `down`: the answers. */
export type Direction = 'up' | 'down';
export type Leg = 'client-agent' | 'agent-CA';

export const FAULTS = ['refuse', 'cut', 'delay', 'truncate', 'duplicate', 'reorder', 'black-hole'] as const;
export type FaultKind = (typeof FAULTS)[number];

const STEPS = ['connect', 'handshake', 'request head', 'body', 'answer', 'between answers'] as const;
type Step = (typeof STEPS)[number];

/** Where a step is in the bytes: the chunk of that direction, counted from 0, and the share of it that still passes. */
interface Place {
  readonly direction: Direction;
  readonly chunk: number;
  /** Bounds of a uniform draw, in [0, 1]. */
  readonly passes: readonly [number, number];
}

type Places = Readonly<Record<Exclude<Step, 'connect'>, Place>>;

const place = (direction: Direction, chunk: number, from: number, to: number): Place => ({
  direction,
  chunk,
  passes: [from, to],
});

/**
 * TLS 1.3 sends ClientHello alone, then Finished with the preface of HTTP/2 (RFC 8446 §2, RFC 9113 §3.4); what follows is requests.
 * On plain HTTP/1.1 there is no handshake: its place is the first byte, and head and body may share a chunk.
 */
export const PLACES: Readonly<Record<Leg, Places>> = {
  'client-agent': {
    handshake: place('down', 0, 0.1, 0.9),
    'request head': place('up', 2, 0, 0.2),
    body: place('up', 2, 0.5, 0.9),
    answer: place('down', 2, 0.1, 0.9),
    'between answers': place('down', 3, 1, 1),
  },
  'agent-CA': {
    handshake: place('up', 0, 0, 0),
    'request head': place('up', 0, 0.01, 0.1),
    body: place('up', 0, 0.7, 0.95),
    answer: place('down', 0, 0.1, 0.9),
    'between answers': place('down', 0, 1, 1),
  },
};

export interface Fault {
  readonly kind: FaultKind;
  readonly step: Step;
}

/** Before there is a connection no byte can be truncated, sent twice or swapped; and only then can one be refused. */
function possible({ kind, step }: Fault): boolean {
  if (kind === 'refuse') return step === 'connect';
  return step !== 'connect' || kind === 'cut' || kind === 'delay' || kind === 'black-hole';
}

export const faultsOf = (kind: FaultKind): Fault[] => STEPS.map((step) => ({ kind, step })).filter(possible);

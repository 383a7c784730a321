import { cpuMicros } from '../support/processes.ts';

/** CPU time used since `cpuMark`, in microseconds. */
export interface Cpu {
  agent: number;
  /** Of the second process; 0 where one is all there is. */
  ca: number;
  generator: number;
}

export interface Pids {
  agent: number;
  ca?: number;
}

export type CpuMark = Cpu;

const own = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** Both processes come in ticks of 10 ms (/proc/PID/stat), so a case must issue some hundred certificates. */
export function cpuMark({ agent, ca }: Pids): CpuMark {
  return { agent: cpuMicros(agent), ca: ca === undefined ? 0 : cpuMicros(ca), generator: own() };
}

export function cpuSince(mark: CpuMark, pids: Pids): Cpu {
  const now = cpuMark(pids);
  return { agent: now.agent - mark.agent, ca: now.ca - mark.ca, generator: now.generator - mark.generator };
}

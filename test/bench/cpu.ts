import { cpuMicros } from '../support/processes.ts';

/** CPU time used since `cpuMark`, in microseconds. */
export interface Cpu {
  agent: number;
  ca: number;
  generator: number;
}

export type CpuMark = Cpu;

const own = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** Both processes come in ticks of 10 ms (/proc/PID/stat), so a case must issue some hundred certificates. */
export function cpuMark(pids: { agent: number; ca: number }): CpuMark {
  return { agent: cpuMicros(pids.agent), ca: cpuMicros(pids.ca), generator: own() };
}

export function cpuSince(mark: CpuMark, pids: { agent: number; ca: number }): Cpu {
  const now = cpuMark(pids);
  return { agent: now.agent - mark.agent, ca: now.ca - mark.ca, generator: now.generator - mark.generator };
}

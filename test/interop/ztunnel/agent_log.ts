import { readFileSync } from 'node:fs';

/** A line of the agent's log that a test may ask for. */
export interface AgentLine {
  /** Milliseconds since 1970. */
  at: number;
  message: string;
  identity?: string;
  /** How long the call took, the hold included. */
  ms?: number;
  end?: string;
}

/** The lines of an agent's log; one that is not whole yet is left for the next time. */
export function agentLines(path: string): AgentLine[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => {
      const { time, ...rest } = JSON.parse(line) as Omit<AgentLine, 'at'> & { time: string };
      return { ...rest, at: Date.parse(time) };
    });
}

/** The value of an agent's metric without labels. @throws Error when there is none */
export async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(url)).text();
  const value = new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`${url} has no ${name}`);
  return Number(value);
}

import { binariesNamed } from '../support/binaries.ts';
import { RealPilotAgent, type RealPilotAgentOptions } from './real_pilot_agent.ts';

/** Settings to renew by every few seconds, although the certificate lives for an hour: when nearly all of its life is left. */
export const EARLY = { SECRET_TTL: '1h', SECRET_GRACE_PERIOD_RATIO: '0.999', SECRET_GRACE_PERIOD_RATIO_JITTER: '0' };

/** The pilot-agents that one test started, to be ended with it. */
export class PilotAgents {
  readonly #started: RealPilotAgent[] = [];

  async start(options: Omit<RealPilotAgentOptions, 'binary'>): Promise<RealPilotAgent> {
    const [binary] = binariesNamed('PILOT_AGENT_BIN');
    if (binary === undefined) throw new Error('PILOT_AGENT_BIN names no pilot-agent');
    const agent = await RealPilotAgent.start({ binary, ...options });
    this.#started.push(agent);
    return agent;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((agent) => agent.stop()));
  }
}

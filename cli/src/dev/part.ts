import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface PartSpec {
  /** As it is called in the lines for the user. */
  name: string;
  command: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd: string;
  /** Takes both output streams, appended. */
  logFile: string;
}

interface Hooks {
  say(line: string): void;
  /** After each start, the first included. */
  started(pid: number): void;
  readonly now: () => number;
}

const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 30_000;
/** Having lived this long, a part's next death is not counted with the earlier ones. */
const SETTLED_MS = 30_000;

/** A process that is started again when it dies, later each time. */
export class Part {
  readonly #spec: PartSpec;
  readonly #hooks: Hooks;
  #child: ChildProcess | null = null;
  #stopping = false;
  #delay = FIRST_DELAY_MS;
  #timer: NodeJS.Timeout | null = null;
  #deaths = 0;

  constructor(spec: PartSpec, hooks: Hooks) {
    this.#spec = spec;
    this.#hooks = hooks;
  }

  get name(): string {
    return this.#spec.name;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** How often it ended by itself. */
  get deaths(): number {
    return this.#deaths;
  }

  get stopped(): boolean {
    return this.#stopping;
  }

  start(): void {
    if (this.#stopping) return;
    const { command, args, env, cwd, logFile } = this.#spec;
    const log = openSync(logFile, 'a', 0o600);
    const born = this.#hooks.now();
    // A process group of its own: a terminal's Ctrl-C reaches only the supervisor, which then stops the parts in order.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.#child = child;
    // Without an exit there is no second call: a process that could not be spawned emits only `error`.
    child.on('error', (error) => this.#ended(child, error.message, born));
    child.on('exit', (code, signal) => this.#ended(child, signal ?? `code ${code}`, born));
    if (child.pid !== undefined) this.#hooks.started(child.pid);
  }

  /** Resolves when the process has gone: SIGTERM first, SIGKILL after the grace. */
  stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const child = this.#child;
    if (child === null) return Promise.resolve();
    return new Promise((resolve) => {
      const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
      child.once('exit', () => {
        clearTimeout(kill);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }

  kill(): void {
    this.#stopping = true;
    this.#child?.kill('SIGKILL');
  }

  /** The last lines it wrote. */
  tail(lines = 12): string {
    try {
      return readFileSync(this.#spec.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch {
      return '';
    }
  }

  #ended(child: ChildProcess, how: string, born: number): void {
    if (this.#child !== child) return;
    this.#child = null;
    if (this.#stopping) return;
    this.#deaths += 1;
    if (this.#hooks.now() - born > SETTLED_MS) this.#delay = FIRST_DELAY_MS;
    const delay = this.#delay;
    this.#delay = Math.min(delay * 2, LAST_DELAY_MS);
    this.#hooks.say(
      `${this.#spec.name} ended (${how}); starting it again in ${delay / 1000} s (${this.#spec.logFile})`,
    );
    this.#timer = setTimeout(() => this.start(), delay);
  }
}

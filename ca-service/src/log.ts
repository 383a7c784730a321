/** One structured line. `event` is a stable name; fields never hold a token, a key or a CSR. */
export type Log = (event: string, fields: Readonly<Record<string, unknown>>) => void;

/** Lines go to the platform's log: Workers Logs on Cloudflare, standard output under workerd. One write for each line. */
export function consoleLog(component: string, now: () => number): Log {
  return (event, fields) => {
    // oxlint-disable-next-line eslint/no-console
    console.log(JSON.stringify({ time: new Date(now()).toISOString(), component, event, ...fields }));
  };
}

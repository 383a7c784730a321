import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { faultsOf, FAULTS, type Fault } from './fault.ts';
import { FaultProxy } from './proxy.ts';

const HELLO = Buffer.from('0123456789'.repeat(10));
let echo: net.Server;
let proxy: FaultProxy;

beforeEach(async () => {
  echo = net.createServer((socket) => socket.on('error', () => undefined).on('data', (bytes) => socket.write(bytes)));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  proxy = await FaultProxy.start('agent-CA', (echo.address() as AddressInfo).port, () => 0.5);
});
afterEach(async () => {
  await proxy.stop();
  await new Promise((resolve) => echo.close(resolve));
});

/** What comes back for HELLO: until it is `enough`, the connection ends, or nothing more is to be expected. */
function ask(enough: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(proxy.port, '127.0.0.1', () => socket.write(HELLO));
    let got = '';
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(got);
    };
    const timer = setTimeout(done, enough === NOTHING ? 500 : 10_000);
    socket.on('data', (bytes) => {
      got += bytes.toString();
      if (got.length >= enough && enough !== NOTHING) done();
    });
    socket.on('error', done);
    socket.on('close', done);
  });
}

const NOTHING = 0;
const WHOLE = HELLO.toString();
const cases: [Fault, number, (got: string) => boolean][] = [
  [{ kind: 'refuse', step: 'connect' }, NOTHING, (got) => got === ''],
  [{ kind: 'cut', step: 'connect' }, NOTHING, (got) => got === ''],
  [{ kind: 'black-hole', step: 'connect' }, NOTHING, (got) => got === ''],
  [{ kind: 'delay', step: 'connect' }, 100, (got) => got === WHOLE],
  [{ kind: 'cut', step: 'answer' }, 100, (got) => got.length < WHOLE.length],
  [{ kind: 'truncate', step: 'answer' }, 100, (got) => got === WHOLE.slice(0, 50)],
  [{ kind: 'black-hole', step: 'body' }, NOTHING, (got) => got.length < WHOLE.length],
  [{ kind: 'duplicate', step: 'answer' }, 150, (got) => got === WHOLE + WHOLE.slice(50)],
  [{ kind: 'delay', step: 'request head' }, 100, (got) => got === WHOLE],
  [{ kind: 'reorder', step: 'answer' }, 100, (got) => got.length === 100 && got !== WHOLE],
];

test.each(cases)('%j changes what passes as it says, once', async (fault, enough, right) => {
  proxy.arm(fault);
  expect(await ask(enough)).toSatisfy(right);
  expect(proxy.done).toEqual([fault]);
  expect(await ask(100)).toBe(WHOLE);
});

test('every kind of fault has a step, and only a connection that does not stand can be refused', () => {
  for (const kind of FAULTS) expect(faultsOf(kind).length).toBeGreaterThan(0);
  expect(faultsOf('refuse')).toEqual([{ kind: 'refuse', step: 'connect' }]);
  expect(faultsOf('truncate').map(({ step }) => step)).not.toContain('connect');
});

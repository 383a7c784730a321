import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { choosePorts } from '../../../cli/src/dev/ports.ts';

describe('ports', () => {
  test('0 picks four different free ones', async () => {
    const ports = Object.values(await choosePorts(0));
    expect(new Set(ports).size).toBe(4);
    expect(ports.every((port) => port > 0)).toBe(true);
  });

  test('a port that was asked for and is taken is refused', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(choosePorts(port)).rejects.toThrow('is taken');
    await new Promise((resolve) => server.close(resolve));
  });
});

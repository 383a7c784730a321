import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { listenHost } from '../../../csr-agent/src/http/listen_host.ts';

const lo = (family: 'IPv4' | 'IPv6') => ({ family }) as NetworkInterfaceInfo;

describe('the address to listen on', () => {
  it('of every one is :: where there is IPv6, and 0.0.0.0 where there is none', () => {
    expect(listenHost('::', { lo: [lo('IPv4'), lo('IPv6')] })).toBe('::');
    expect(listenHost('::', { lo: [lo('IPv4')], eth0: [lo('IPv4')] })).toBe('0.0.0.0');
  });

  it('is otherwise the one that was named', () => {
    for (const host of ['127.0.0.1', '::1', 'localhost']) expect(listenHost(host, { lo: [lo('IPv4')] })).toBe(host);
  });
});

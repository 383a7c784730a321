import type { ServerWritableStream } from '@grpc/grpc-js';
import { expect, it, vi } from 'vitest';
import { HealthService } from '../../../csr-agent/src/grpc/health.ts';

type Watch = ServerWritableStream<{ service: string }, number>;

it('ends a watch that comes while it drains, so that the drain need not wait for it', () => {
  const health = new HealthService();
  health.stop();
  const call = {
    request: { service: '' },
    write: vi.fn<() => void>(),
    end: vi.fn<() => void>(),
    on: vi.fn<() => void>(),
  };
  health.handlers.Watch(call as unknown as Watch);
  expect(call.write).toHaveBeenCalledExactlyOnceWith(2);
  expect(call.end).toHaveBeenCalledOnce();
});

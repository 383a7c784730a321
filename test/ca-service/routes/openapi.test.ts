import { describe, expect, it } from 'vitest';
import { ACCESS } from '../../../ca-service/src/auth/access.ts';
import { decodeBatchRequest, encodeBatchRequest, MAX_ITEMS } from '../../../ca-service/src/client/protocol.ts';
import { batchRequest } from '../../../ca-service/src/routes/agent_schemas.ts';
import { CA_URL, fakeApp } from '../support/fakes.ts';
import { callerOf, itemOf, ztunnelPod } from '../support/mesh.ts';

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, { security: object[]; parameters?: { name: string }[]; responses: object }>>;
  components: { schemas: Record<string, unknown> };
}

async function document(): Promise<OpenApi> {
  const answer = await fakeApp().app.fetch(new Request(`${CA_URL}/openapi.json`));
  return answer.json();
}

describe('/openapi.json', () => {
  it('has every route of the API and no other', async () => {
    const { openapi, paths } = await document();
    expect(openapi).toBe('3.1.0');
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{([A-Za-z]+)\}/g, ':$1')}`),
    );
    expect(described.sort()).toEqual(Object.keys(ACCESS).sort());
  });

  it('says of each route who may call it, what its path takes and how it refuses', async () => {
    const { paths } = await document();
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, route] of Object.entries(methods)) {
        const access =
          ACCESS[`${method.toUpperCase()} ${path.replaceAll(/\{([A-Za-z]+)\}/g, ':$1')}` as keyof typeof ACCESS];
        expect(route.security.length, path).toBe(access === 'public' ? 0 : 1);
        expect(route.parameters?.map(({ name }) => name) ?? [], path).toEqual(
          expect.arrayContaining([...path.matchAll(/\{([A-Za-z]+)\}/g)].map((match) => match[1])),
        );
        expect(JSON.stringify(route.responses)).toContain('#/components/schemas/Problem');
      }
    }
  });

  it('has every schema that it refers to', async () => {
    const all = await document();
    const text = JSON.stringify(all);
    for (const [, name = ''] of text.matchAll(/#\/components\/schemas\/([A-Za-z]+)/g)) {
      expect(all.components.schemas).toHaveProperty(name);
    }
  });
});

describe('the described body of a batch', () => {
  it('is the one that the codec reads, member for member', async () => {
    const caller = await callerOf('a.b.c', ztunnelPod, null);
    const valid = {
      version: 1 as const,
      bundleVersion: 1,
      callers: [{ ...caller, token: 'a..c.d.e' }],
      items: [await itemOf(1)],
    };
    expect(decodeBatchRequest(encodeBatchRequest(valid))).toEqual(valid);
    expect(batchRequest.parse(valid)).toEqual(valid);
    for (const path of ['', 'callers.0', 'callers.0.pod', 'items.0', 'items.0.target']) {
      const extra = structuredClone(valid) as never;
      let at: Record<string, never> = extra;
      for (const step of path.split('.').filter(Boolean)) at = at[step] as never;
      at['extra'] = 1 as never;
      expect(() => batchRequest.parse(extra), path).toThrow();
      expect(() => decodeBatchRequest(encodeBatchRequest(extra)), path).toThrow();
    }
    const many = {
      ...valid,
      items: Array.from({ length: MAX_ITEMS + 1 }, (_, index) => ({ ...valid.items[0], id: `${index}` })),
    };
    expect(() => batchRequest.parse(many)).toThrow();
  });
});

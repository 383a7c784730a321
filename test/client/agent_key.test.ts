import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it } from 'vitest';
import { formatAgentKey, parseAgentKey, thumbprint, thumbprintUrn } from '../../ca-service/src/client/agent_key.ts';
import { nodeCrypto } from '../../pki/src/crypto/node.ts';
import { signatureKey } from './support.ts';

const { x, y } = await signatureKey();
const header = formatAgentKey({ x, y });

describe('the key of an agent', () => {
  it('is read back from its header', () => {
    expect(parseAgentKey(header)).toEqual({ kty: 'EC', crv: 'P-256', x, y });
  });

  it('has the thumbprint that jose calculates (RFC 7638)', async () => {
    const own = await thumbprint(nodeCrypto(), { x, y });
    expect(own).toBe(await calculateJwkThumbprint({ kty: 'EC', crv: 'P-256', x, y }));
    expect(thumbprintUrn(own)).toBe(`urn:ietf:params:oauth:jwk-thumbprint:sha-256:${own}`);
  });

  it.each([
    ['a missing header', null],
    ['members in another order', `{"kty":"EC","crv":"P-256","x":"${x}","y":"${y}"}`],
    ['white space', header.replace(',', ', ')],
    ['a private member', header.replace('}', ',"d":"AAAA"}')],
    ['another curve', header.replace('P-256', 'P-384')],
    ['a short coordinate', header.replace(x, x.slice(1))],
    ['two keys', `${header}, ${header}`],
  ])('%s is refused', (_, text) => {
    expect(() => parseAgentKey(text)).toThrow(expect.objectContaining({ code: 'agent-key-malformed' }));
  });
});

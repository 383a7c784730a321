import { describe, expect, it } from 'vitest';
import { readBody } from '../../../ca-service/src/http/body.ts';

function post(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request('https://ca/', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** A body that never ends, and counts what was taken of it. */
function endless(): { stream: ReadableStream<Uint8Array>; taken: () => number } {
  let bytes = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      bytes += 1_024;
      controller.enqueue(new Uint8Array(1_024));
    },
  });
  return { stream, taken: () => bytes };
}

describe('a body', () => {
  it('is read as it was sent', async () => {
    expect(new TextDecoder().decode(await readBody(post('{"a":1}'), 100))).toBe('{"a":1}');
  });

  it('of exactly the limit is read', async () => {
    expect(await readBody(post('x'.repeat(100)), 100)).toHaveLength(100);
  });

  it('longer than the limit is refused', async () => {
    await expect(readBody(post('x'.repeat(101)), 100)).rejects.toMatchObject({ code: 'body-too-large' });
  });

  it.each(['101', '1e9', '-1', '', '99999999999'])('that declares a length of %j is refused unread', async (length) => {
    const { stream, taken } = endless();
    const request = post(stream);
    request.headers.set('content-length', length);
    await expect(readBody(request, 100)).rejects.toMatchObject({ code: 'body-too-large' });
    expect(taken()).toBeLessThan(10_000);
  });

  it('longer than it declares is refused all the same', async () => {
    await expect(readBody(post('x'.repeat(101), { 'content-length': '5' }), 100)).rejects.toMatchObject({
      code: 'body-too-large',
    });
  });

  it('without a declared length is read no further than the limit', async () => {
    const { stream, taken } = endless();
    await expect(readBody(post(stream), 10_000)).rejects.toMatchObject({ code: 'body-too-large' });
    expect(taken()).toBeLessThan(20_000);
  });

  it.each(['text/plain', 'application/json; charset=utf-16', 'application/jsonx', 'multipart/form-data', ''])(
    'of type %j is refused',
    async (type) => {
      await expect(readBody(post('{}', { 'content-type': type }), 100)).rejects.toMatchObject({ code: 'media-type' });
    },
  );

  it('with a content-encoding is refused', async () => {
    await expect(readBody(post('{}', { 'content-encoding': 'gzip' }), 100)).rejects.toMatchObject({
      code: 'media-type',
    });
  });
});

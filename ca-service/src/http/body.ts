import { concat } from '../../../pki/src/bytes.ts';
import { CaError } from '../errors.ts';

const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i;

/** The body as bytes: content type first, then never more than `maximum` bytes are read, whatever the header claims. */
export async function readBody(request: Request, maximum: number): Promise<Uint8Array> {
  if (!JSON_TYPE.test(request.headers.get('content-type') ?? '')) {
    throw new CaError('media-type', 'expected content-type: application/json');
  }
  if (request.headers.get('content-encoding') !== null) {
    throw new CaError('media-type', 'expected a body without content-encoding');
  }
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > maximum) throw tooLarge(maximum);
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.length;
    if (length > maximum) {
      await reader.cancel();
      throw tooLarge(maximum);
    }
    chunks.push(next.value);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : concat(...chunks);
}

function tooLarge(maximum: number): CaError {
  return new CaError('body-too-large', `expected at most ${maximum} bytes`);
}

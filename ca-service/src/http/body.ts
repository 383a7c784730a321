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
  if (request.body === null) return new Uint8Array();
  const declared = request.headers.get('content-length');
  // HTTP ends a body where its declared length ends, so that one read is as bounded as many, and cheaper.
  const body =
    declared === null ? await readChunks(request.body, maximum) : await readDeclared(request, declared, maximum);
  if (body.length > maximum) throw tooLarge(maximum);
  return body;
}

async function readDeclared(request: Request, declared: string, maximum: number): Promise<Uint8Array> {
  if (!/^\d{1,9}$/.test(declared) || Number(declared) > maximum) throw tooLarge(maximum);
  return new Uint8Array(await request.arrayBuffer());
}

async function readChunks(stream: ReadableStream<Uint8Array>, maximum: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = stream.getReader();
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

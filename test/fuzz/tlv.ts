/** DER as a tree, read and written leniently: a mutation may make of it what no encoder would. */
export interface Node {
  tag: number;
  /** Of a primitive. */
  content: Uint8Array;
  children: Node[] | null;
  /** How the length is written: as DER has it, with octets too many, or another number than the content has. */
  length: 'minimal' | 'padded' | 'indefinite' | number;
}

/** The elements of `bytes`, or null where it is not TLV throughout. */
export function parseTlv(bytes: Uint8Array, depth = 0): Node[] | null {
  const nodes: Node[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at++] as number;
    const first = bytes[at++];
    if (first === undefined || (tag & 0x1f) === 0x1f) return null;
    let length = first;
    if (first >= 0x80) {
      const octets = first & 0x7f;
      if (octets === 0 || octets > 3) return null;
      length = 0;
      for (let index = 0; index < octets; index++) length = length * 256 + (bytes[at++] ?? 0);
    }
    if (at + length > bytes.length) return null;
    nodes.push(nodeOf(tag, bytes.subarray(at, at + length), depth));
    at += length;
  }
  return nodes;
}

function nodeOf(tag: number, content: Uint8Array, depth: number): Node {
  // An OCTET STRING or BIT STRING of an extension or key often holds DER of its own, which is where the interest lies.
  const wraps = tag === 0x04 && content[0] === 0x30;
  const children = (tag & 0x20) !== 0 || wraps ? parseTlv(content, depth + 1) : null;
  return { tag, content, children, length: 'minimal' };
}

export function writeTlv(nodes: readonly Node[]): Uint8Array {
  return Buffer.concat(nodes.map(writeNode));
}

function writeNode(node: Node): Uint8Array {
  const body = node.children === null ? node.content : writeTlv(node.children);
  return Buffer.concat([Uint8Array.of(node.tag), lengthOctets(node.length, body.length), body]);
}

function lengthOctets(form: Node['length'], actual: number): Uint8Array {
  if (form === 'indefinite') return Uint8Array.of(0x80);
  const length = typeof form === 'number' ? Math.max(0, form) : actual;
  if (form !== 'padded' && length < 0x80) return Uint8Array.of(length);
  const octets = form === 'padded' ? [0] : [];
  if (length > 0xffff) octets.push((length >> 16) & 0xff);
  if (length > 0xff) octets.push((length >> 8) & 0xff);
  octets.push(length & 0xff);
  return Uint8Array.of(0x80 | octets.length, ...octets);
}

export function clone(nodes: readonly Node[]): Node[] {
  return nodes.map((node) => ({ ...node, children: node.children === null ? null : clone(node.children) }));
}

/** Every list of siblings in the tree, the outermost first. */
export function lists(nodes: Node[]): Node[][] {
  return [nodes, ...nodes.flatMap(({ children }) => (children === null ? [] : lists(children)))];
}

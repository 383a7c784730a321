import type { Target } from './target.ts';
import { certificateTarget } from './targets/certificate.ts';
import { csrTarget } from './targets/csr.ts';
import { derTarget } from './targets/der.ts';
import { keyTarget } from './targets/key.ts';
import { pemTarget } from './targets/pem.ts';
import { protobufTarget } from './targets/protobuf.ts';
import { spiffeTarget } from './targets/spiffe.ts';

export const TARGETS: readonly Target[] = [
  derTarget,
  keyTarget,
  pemTarget,
  csrTarget,
  spiffeTarget,
  certificateTarget,
  protobufTarget,
];

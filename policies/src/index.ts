export { defaultPolicy } from './default.ts';
export { evaluate } from './evaluate.ts';
export { RateLimiter } from './limits.ts';
export { parsePolicy, type KeyKind, type Policy } from './schema.ts';

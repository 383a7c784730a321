export { defaultPolicy } from './default.ts';
export { evaluate, type PolicyFacts, type PolicyOutcome, type TtlLimits } from './evaluate.ts';
export { RateLimiter } from './limits.ts';
export { parsePolicy, policySchema, type KeyKind, type Policy } from './schema.ts';

import type { Refusal } from './steps.ts';

export const unauthenticated = (code: string, reason: string): Refusal => ({ kind: 'unauthenticated', code, reason });
export const impersonation = (code: string, reason: string): Refusal => ({ kind: 'impersonation', code, reason });
export const badCsr = (code: string, reason: string): Refusal => ({ kind: 'csr', code, reason });
export const unavailable = (code: string, reason: string): Refusal => ({ kind: 'unavailable', code, reason });

/** A step answers its result or why there is none. */
export type Step<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export const pass = <T>(value: T): Step<T> => ({ ok: true, value });
export const refuse = (refusal: Refusal): Step<never> => ({ ok: false, refusal });

export interface IssuedToken {
  readonly token: string;
  /** ms since 1970, by the clock of whoever issued it */
  readonly expiresAt: number;
}

/**
 * Where the agent's own token comes from: a TokenRequest in a cluster, the local issuer without one. Rejects when there
 * is none to be had now.
 */
export interface TokenSource {
  token(audiences: readonly string[], seconds: number): Promise<IssuedToken>;
}

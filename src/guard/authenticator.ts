/** An authenticated user. */
export interface Identity {
  /** The name, as written in the password file. */
  readonly name: string;
  /** Roles, for example `operator`. */
  readonly roles: readonly string[];
}

/** Checks names and passwords. */
export interface Authenticator {
  /**
   * Returns the identity, or `undefined` if the name or the password is wrong or the address has failed too often.
   * Takes the same time in each case.
   */
  verify(name: string, password: string, address: string): Promise<Identity | undefined>;
}

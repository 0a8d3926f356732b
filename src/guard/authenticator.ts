/** Who logged in. */
export interface Identity {
  /** The name, as the file of names writes it. */
  readonly name: string;
  /** What the name may do beyond talking, for example `operator`. */
  readonly roles: readonly string[];
}

/** Checks names and passwords. */
export interface Authenticator {
  /**
   * The identity, or `undefined` if the name or the password is wrong or
   * the address has tried too often. It takes the same time in each case.
   */
  verify(name: string, password: string, address: string): Promise<Identity | undefined>;
}

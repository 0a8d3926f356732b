import { type LeafOptions, selfSigned, TestAuthority } from "./certificates.ts";

/** A folder with certificates in files, removed when it is disposed of. */
export class CertificateFiles implements AsyncDisposable {
  readonly folder: string;
  readonly authority: TestAuthority;

  private constructor(folder: string, authority: TestAuthority) {
    this.folder = folder;
    this.authority = authority;
  }

  /** With `ca.pem`, `cert.pem` and `key.pem`. */
  static async create(): Promise<CertificateFiles> {
    const files = new CertificateFiles(await Deno.makeTempDir(), await TestAuthority.create());
    await files.write("ca.pem", files.authority.cert);
    await files.issue("cert.pem", "key.pem");
    return files;
  }

  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  async write(name: string, text: string): Promise<string> {
    await Deno.writeTextFile(this.path(name), text);
    return this.path(name);
  }

  async issue(cert: string, key: string, options?: LeafOptions): Promise<void> {
    const pair = await this.authority.issue(options);
    await Promise.all([this.write(cert, pair.cert), this.write(key, pair.key)]);
  }

  async selfSign(cert: string, key: string): Promise<void> {
    const pair = await selfSigned();
    await Promise.all([this.write(cert, pair.cert), this.write(key, pair.key)]);
  }

  /** `--tls-cert` and `--tls-key`. */
  flags(cert = "cert.pem", key = "key.pem"): string[] {
    return ["--tls-cert", this.path(cert), "--tls-key", this.path(key)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

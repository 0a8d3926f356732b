/** Case 39: unusable certificates and keys are reported in one line each, before anything listens. */

import { assertEquals, assertMatch } from "@std/assert";
import { CertificateFiles } from "../support/certificate_files.ts";
import { runProgram } from "../support/program.ts";

interface Fault {
  readonly name: string;
  /** Spoils the files; the flags that name them. */
  readonly spoil: (files: CertificateFiles) => Promise<string[]>;
  readonly code: number;
  readonly says: RegExp;
}

const FAULTS: readonly Fault[] = [
  {
    name: "a missing certificate",
    spoil: (files) => Promise.resolve(files.flags("nowhere.pem")),
    code: 2,
    says: /^parley-server: Cannot read the certificate \S+nowhere\.pem: no such file$/,
  },
  {
    name: "a missing key",
    spoil: (files) => Promise.resolve(files.flags("cert.pem", "nowhere.pem")),
    code: 2,
    says: /^parley-server: Cannot read the private key \S+nowhere\.pem: no such file$/,
  },
  {
    name: "a folder in place of a certificate",
    spoil: async (files) => {
      await Deno.mkdir(files.path("folder"));
      return files.flags("folder");
    },
    code: 2,
    says: /^parley-server: Cannot read the certificate \S+folder: it is a directory$/,
  },
  {
    name: "a key of another certificate",
    spoil: async (files) => {
      await files.issue("other.pem", "other-key.pem");
      return files.flags("cert.pem", "other-key.pem");
    },
    code: 2,
    says: /^parley-server: Cannot use the certificate \S+ with the private key \S+: they do not belong together$/,
  },
  {
    name: "a key in place of the certificate",
    spoil: (files) => Promise.resolve(files.flags("key.pem")),
    code: 2,
    says: /^parley-server: Cannot read the certificate \S+: it contains no PEM certificate$/,
  },
  {
    name: "a certificate in place of the key",
    spoil: (files) => Promise.resolve(files.flags("cert.pem", "cert.pem")),
    code: 2,
    says: /^parley-server: Cannot read the private key \S+: it contains no PEM private key$/,
  },
  {
    name: "an expired certificate",
    spoil: async (files) => {
      await files.issue("expired.pem", "expired-key.pem", { fromDays: -30, toDays: -3 });
      return files.flags("expired.pem", "expired-key.pem");
    },
    code: 6,
    says: /^parley-server: Cannot use the certificate \S+: it expired on \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  },
  {
    name: "a certificate of the future",
    spoil: async (files) => {
      await files.issue("early.pem", "early-key.pem", { fromDays: 3, toDays: 30 });
      return files.flags("early.pem", "early-key.pem");
    },
    code: 6,
    says: /^parley-server: Cannot use the certificate \S+: it is not valid before \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  },
  {
    name: "a key without its certificate",
    spoil: (files) => Promise.resolve(["--tls-key", files.path("key.pem")]),
    code: 2,
    says: /^parley-server: tls:\/\/127\.0\.0\.1:0 needs --tls-cert FILE and --tls-key FILE$/,
  },
];

for (const { name, spoil, code, says } of FAULTS) {
  Deno.test(`case 39: ${name} is reported in one line, with exit code ${code}`, async () => {
    await using files = await CertificateFiles.create();
    const flags = await spoil(files);
    const outcome = await runProgram("server", ["echo", "tls://127.0.0.1:0", ...flags, "--print-endpoint"], {
      permissions: ["-N", `--allow-read=${files.folder}`],
    });
    assertEquals(outcome.code, code);
    assertEquals(outcome.stdout, "");
    const lines = outcome.stderr.trimEnd().split("\n").filter((line) => !line.startsWith("Try: "));
    assertEquals(lines.length, 1, outcome.stderr);
    assertMatch(lines[0] ?? "", says);
  });
}

Deno.test({
  name: "case 39: an unreadable key is reported in one line, with exit code 8 (fault 66)",
  // The mode means nothing to root.
  ignore: Deno.build.os === "windows" || Deno.uid() === 0,
  async fn() {
    await using files = await CertificateFiles.create();
    await Deno.chmod(files.path("key.pem"), 0);
    const { code, stderr } = await runProgram("server", ["echo", "tls://127.0.0.1:0", ...files.flags()], {
      permissions: ["-N", `--allow-read=${files.folder}`],
    });
    assertEquals(code, 8);
    assertMatch(stderr, /Cannot read the private key \S+: permission denied/);
  },
});

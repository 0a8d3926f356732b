import { dirname, isAbsolute, join } from "node:path";
import { readNamedFile } from "../../../base/read_named_file.ts";
import { EXIT } from "../../../cli/exit_codes.ts";
import { describeError, type TestReport } from "../../../cli/reporters/test_report.ts";
import { readEnvironment } from "../../../script/file/variables.ts";
import { parseYamlFile } from "../../../script/file/yaml_file.ts";
import { ExpectationError } from "../../../script/expectation_error.ts";
import type { StackService } from "../../server/stack/stack_file.ts";
import { stackOfSmoke } from "./schema.ts";

/** Name in reports for the result of the stack's services. */
export const STACK_TEST = "stack";

/** The running stack of a smoke file. */
export interface SmokeStack extends AsyncDisposable {
  /** The endpoints of its services. */
  readonly variables: ReadonlyMap<string, string>;
  /** Drains it; throws if a service has failed, such as a mock with an unexpected client. */
  end(location: string): Promise<TestReport>;
}

/** A validated stack that is not started. */
interface ReadStack {
  readonly services: readonly StackService[];
  /** Its variables, with placeholder values for validating the tests. */
  readonly expected: ReadonlyMap<string, string>;
  start(): Promise<SmokeStack>;
}

/**
 * The stack that a smoke file names or contains.
 *
 * @throws {UsageError} The file is invalid; the message has file, line, and path of the field.
 */
export async function stackOf(text: string, path: string): Promise<ReadStack | undefined> {
  const { value } = parseYamlFile(text, path, { schema: stackOfSmoke, env: readEnvironment, at: ["stack"] });
  if (value === undefined) return undefined;
  const [{ parseStackFile }, { expectedVariables, runStack, stackVariables }] = await Promise.all([
    import("../../server/stack/stack_file.ts"),
    import("../../server/stack/open_stack.ts"),
  ]);
  const file = typeof value === "string" && !isAbsolute(value) ? join(dirname(path), value) : value;
  const services = typeof file === "string"
    ? await parseStackFile(await readNamedFile(file, "the stack file"), file, readEnvironment)
    : await parseStackFile(text, path, readEnvironment, ["stack"]);
  return {
    services,
    expected: new Map(Object.entries(expectedVariables(services))),
    async start() {
      const run = await runStack(services);
      let hasEnded = false;
      return {
        variables: new Map(Object.entries(stackVariables(run.opened))),
        end(location) {
          hasEnded = true;
          return reportOf(run.shutdown, location);
        },
        async [Symbol.asyncDispose]() {
          if (!hasEnded) await run.shutdown();
        },
      };
    },
  };
}

async function reportOf(shutdown: () => Promise<void>, location: string): Promise<TestReport> {
  const startMs = performance.now();
  const report = () => ({ name: STACK_TEST, ms: performance.now() - startMs, tries: 1, location });
  try {
    await shutdown();
    return { ...report(), outcome: "passed", exitCode: EXIT.done, details: [] };
  } catch (error) {
    const described = describeError(error);
    // The error of mocks has its details in further lines.
    const [reason, ...details] = error instanceof ExpectationError
      ? error.message.split(/\n(?: {2})?/)
      : [described.reason];
    return { ...report(), outcome: "failed", ...described, reason, details };
  }
}

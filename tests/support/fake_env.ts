/**
 * Environment variables for the code of this isolate, until disposed of; `undefined` removes one. The real ones belong
 * to all tests of the process.
 */
export function fakeEnv(variables: Readonly<Record<string, string | undefined>>): Disposable {
  const { get } = Deno.env;
  Deno.env.get = (name) => Object.hasOwn(variables, name) ? variables[name] : get(name);
  return { [Symbol.dispose]: () => void (Deno.env.get = get) };
}

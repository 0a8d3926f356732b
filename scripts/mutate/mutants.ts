import ts from "npm:typescript@5.9.3";

/** One change of a source file. */
export interface Mutant {
  /** Relative to `src/`. */
  readonly path: string;
  readonly line: number;
  /** The kind of change, as in `boundary`. */
  readonly operator: string;
  readonly from: number;
  readonly to: number;
  readonly before: string;
  readonly after: string;
}

const BOUNDARIES: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.LessThanToken, "<="],
  [ts.SyntaxKind.LessThanEqualsToken, "<"],
  [ts.SyntaxKind.GreaterThanToken, ">="],
  [ts.SyntaxKind.GreaterThanEqualsToken, ">"],
]);
const LOGICAL: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.AmpersandAmpersandToken, "||"],
  [ts.SyntaxKind.BarBarToken, "&&"],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, "!=="],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, "==="],
]);
const ARITHMETIC: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.MinusToken, "+"],
  [ts.SyntaxKind.AsteriskToken, "/"],
  [ts.SyntaxKind.MinusEqualsToken, "+="],
  [ts.SyntaxKind.PlusEqualsToken, "-="],
]);
const SHORT_CIRCUIT: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
]);

/** Every mutant of a file. */
export function mutantsOf(path: string, text: string): Mutant[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const mutants: Mutant[] = [];
  const add = (operator: string, node: ts.Node, after: string) => {
    const from = node.getStart(source);
    const line = source.getLineAndCharacterOfPosition(from).line + 1;
    mutants.push({ path, line, operator, from, to: node.getEnd(), before: node.getText(source), after });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isImportDeclaration(node)) return;
    mutate(node, add, source);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants;
}

type Add = (operator: string, node: ts.Node, after: string) => void;

function mutate(node: ts.Node, add: Add, source: ts.SourceFile): void {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) negate(node.expression, add, source);
  else if (ts.isConditionalExpression(node)) negate(node.condition, add, source);
  else if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    const boundary = BOUNDARIES.get(kind);
    const logical = LOGICAL.get(kind);
    const arithmetic = ARITHMETIC.get(kind);
    if (boundary !== undefined) add("boundary", node.operatorToken, boundary);
    if (logical !== undefined) add("logic", node.operatorToken, logical);
    // `+` and `+=` also join texts, so only with a number on the right side.
    const isNumber = ts.isNumericLiteral(node.right) || kind === ts.SyntaxKind.MinusToken;
    if (arithmetic !== undefined && isNumber) add("arithmetic", node.operatorToken, arithmetic);
  } else if (ts.isExpressionStatement(node)) removeCall(node, add);
  else if (ts.isAwaitExpression(node) && !isPassedOn(node)) add("removed await", node, node.expression.getText(source));
  else if (ts.isReturnStatement(node) && node.expression !== undefined) changeReturn(node.expression, add);
}

/** An async function passes on the promise that it returns; only within `try` does `return await` make a difference. */
function isPassedOn(node: ts.AwaitExpression): boolean {
  let value: ts.Node = node;
  for (; isResultOf(value, value.parent); value = value.parent);
  if (ts.isArrowFunction(value.parent)) return value === value.parent.body;
  if (!ts.isReturnStatement(value.parent)) return false;
  for (let outer: ts.Node = value.parent; outer !== undefined && !ts.isFunctionLike(outer); outer = outer.parent) {
    if (ts.isTryStatement(outer)) return false;
  }
  return true;
}

/** Whether a part of an expression is its result, as in `a ? part : b` and `a ?? part`. */
function isResultOf(part: ts.Node, whole: ts.Node): boolean {
  if (ts.isParenthesizedExpression(whole)) return true;
  if (ts.isConditionalExpression(whole)) return part !== whole.condition;
  return ts.isBinaryExpression(whole) && part === whole.right && SHORT_CIRCUIT.has(whole.operatorToken.kind);
}

function negate(condition: ts.Expression, add: Add, source: ts.SourceFile): void {
  add("condition", condition, `!(${condition.getText(source)})`);
}

function removeCall(node: ts.ExpressionStatement, add: Add): void {
  const inner = ts.isAwaitExpression(node.expression) || ts.isVoidExpression(node.expression)
    ? node.expression.expression
    : node.expression;
  // Debug log lines are not part of any contract.
  if (!ts.isCallExpression(inner) || /\blog\.debug$/.test(inner.expression.getText())) return;
  const isListener = /(?:addEventListener|addSignalListener|\.on|\.once)$/.test(inner.expression.getText());
  add(isListener ? "removed listener" : "removed call", node, ";");
}

function changeReturn(expression: ts.Expression, add: Add): void {
  if (expression.kind === ts.SyntaxKind.TrueKeyword) add("returned constant", expression, "false");
  else if (expression.kind === ts.SyntaxKind.FalseKeyword) add("returned constant", expression, "true");
  else if (ts.isNumericLiteral(expression)) add("returned constant", expression, `${Number(expression.text) + 1}`);
  else if (ts.isCallExpression(expression) || (ts.isIdentifier(expression) && expression.text !== "undefined")) {
    add("returned constant", expression, "undefined as never");
  }
}

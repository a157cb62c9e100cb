//! Text of scripts: statements, expressions and types from templates, most of them of the grammar.

use crate::choices::Choices;

/// Statements: `E` is an expression, `N` a name, `S` a statement. Those below the line are TypeScript.
const STATEMENTS: &[&str] = &[
    "const N = E",
    "let N = E, M = E;",
    "if (E) { S } else S",
    "for (const N of E) { S }",
    "for (let N = 0; N < E; N++) S;",
    "while (false) { S }",
    "try { S } catch { S } finally { S }",
    "function N(N2, ...more) { S; return E }",
    "async function N() { for await (const x of E) { await E } }",
    "class N { #p = E; static { S } get a() { return this.#p } async *g() { yield E } }",
    "switch (E) { case E: S; break\n default: S }",
    "label: { break label }",
    "({ a: N3, ...rest } = E)",
    "E;",
    "throw E",
    "{ S\n S }",
];

const TYPED: &[&str] = &[
    "type N = T",
    "interface N<A extends T = T> { a?: T; readonly [key: string]: T; (b: T): T }",
    "enum N { A, B = 1 << 2, C = 'c', D = A | B }",
    "const enum N { A = 1 }",
    "namespace N { export const a = E; export namespace B { S } }",
    "declare const N: T",
    "declare module 'x' { export const a: T }",
    "abstract class N<A> { constructor(private readonly a: T, public b?: T) {} abstract c(): T; declare d: T }",
    "function N(a: T): T\nfunction N(a: any) { return E as T }",
    "const N = <A,>(a: A): a is A & T => E!",
    "let N: T = E satisfies T",
    "import N = A.B",
    "function N(this: T, asserts: T): asserts this is T { S }",
];

const REFUSED: &[&str] = &[
    "await E",
    "import('./b')",
    "require(E)",
    "@N class N {}",
    "using N = E",
    "class N { accessor a = E }",
    "const N = 1; const N = 2",
    "return E",
    "with (E) { S }",
];

const EXPRESSIONS: &[&str] = &[
    "1",
    "'a'",
    "`a${E}b`",
    "N",
    "[E, ...E]",
    "{ a: E, [E]: E, N, b() { S } }",
    "E + E",
    "E ?? (E)",
    "E ? E : E",
    "() => E",
    "async (N) => { S }",
    "E?.a?.[E]",
    "new Map(E)",
    "/a(?<b>[^/])\\//gu",
    "typeof E",
    "!E",
    "-E",
    "(E, E)",
    "E.a = E",
    "N += E",
    "function* () { yield* E }",
    "class { static a = E }",
    "tag`a${E}`",
    "null",
    "0x1fn",
    "E in E",
    "import.meta",
    "await E",
    "missing(E)",
    "eval(E)",
];

const TYPES: &[&str] = &[
    "string",
    "unknown[]",
    "{ a: T; b?: T }",
    "T | T",
    "T & T",
    "[T, ...T[]]",
    "(a: T) => T",
    "keyof T",
    "'a' | 1",
    "T extends infer A ? A : never",
    "{ readonly [K in keyof T]?: T }",
    "Map<T, T>",
    "typeof N",
    "T['a']",
    "`a${T}`",
    "new () => T",
    "asserts",
    "unique symbol",
    "this",
];

const NAMES: &[&str] = &["a", "b", "c", "N", "x", "value", "A", "größe", "of", "type", "async", "$", "event", "api"];

const SPECIFIERS: &[&str] = &["./b", "./b.js", "./lib/c.ts", "./lib", "zod", "node:fs", "./none", "../x", "./b?raw"];

/// One to three modules that import each other.
pub(super) fn modules(choices: &mut Choices<'_>) -> Vec<(String, String)> {
    let names = ["a.ts", "b.ts", "lib/c.ts"];
    let count = 1 + choices.below(names.len());
    let links: &[&str] = if choices.one_in(4) { SPECIFIERS } else { &["./b", "./lib/c"] };
    let links = if count == names.len() || links.len() > 2 { links } else { &[] };
    names.iter().take(count).map(|name| ((*name).to_owned(), module(choices, true, below(name, links)))).collect()
}

fn below<'l>(name: &str, links: &'l [&'l str]) -> &'l [&'l str] {
    if name == "a.ts" { links } else { &[] }
}

/// A module; `links` are what it may import.
pub(super) fn module(choices: &mut Choices<'_>, typed: bool, links: &[&str]) -> String {
    let mut out = String::new();
    for link in links.iter().take(choices.below(links.len() + 1)) {
        let import = choices.pick(&[
            "import { given } from ",
            "import * as all from ",
            "import ",
            "export * from ",
            "export { gone } from ",
        ]);
        out.push_str(&format!("{import}{link:?}\n"));
    }
    let mut pen = Pen { choices, typed, out };
    for at in 0..pen.choices.below(6) {
        pen.statement(3);
        // Names of statements beside each other are mostly their own.
        let own = format!("_{at}");
        pen.out = pen.out.replace('\u{1}', &own);
        pen.out.push('\n');
    }
    let mut out = pen.out;
    out.push_str(match choices.below(12) {
        0 => "export const one = () => 1, two = () => 2\n",
        1 => "export default 3\n",
        2 => "export default async function () {}\n",
        _ => "export async function execute(input, api) { return { kind: 'continue' } }\nexport const given = 1\n",
    });
    if typed { out.replace("(input, api)", "(input: unknown, api?: any)") } else { out }
}

/// Something in itself, many times.
pub(super) fn nested(choices: &mut Choices<'_>) -> String {
    let ways = [
        "(",
        "[",
        "{a:",
        "!",
        "a=>",
        "a?b:",
        "`${",
        "f(",
        "if(a)",
        "{",
        "new ",
        "type A=keyof ",
        "a<",
        "/(",
        "x=",
        "class{a=",
    ];
    let mut out = "export function execute() {}\n".to_owned();
    for _ in 0..1 + choices.below(4) {
        let way = choices.pick(&ways);
        out.push_str(&way.repeat(choices.below(5_000)));
    }
    out
}

struct Pen<'c, 'd> {
    choices: &'c mut Choices<'d>,
    typed: bool,
    out: String,
}

impl Pen<'_, '_> {
    fn statement(&mut self, depth: usize) {
        let template = match self.choices.below(24) {
            0 => self.choices.pick(REFUSED),
            1..8 if self.typed => self.choices.pick(TYPED),
            _ => self.choices.pick(STATEMENTS),
        };
        self.fill(template, depth);
    }

    /// Writes a template: a letter that stands alone is a hole.
    fn fill(&mut self, template: &str, depth: usize) {
        let mut before = ' ';
        let mut letters = template.chars().peekable();
        while let Some(letter) = letters.next() {
            let alone = !before.is_alphanumeric() && letters.peek().is_none_or(|next| !next.is_alphabetic());
            match letter {
                'E' if alone => self.hole(EXPRESSIONS, "0", depth),
                'T' if alone => self.hole(TYPES, "any", depth),
                'S' if alone && depth > 0 => self.statement(depth - 1),
                'S' if alone => self.out.push(';'),
                'N' | 'M' if alone => {
                    let name = self.choices.pick(NAMES);
                    self.out.push_str(name);
                    self.out.push('\u{1}');
                }
                letter => self.out.push(letter),
            }
            before = letter;
        }
    }

    fn hole(&mut self, templates: &[&str], end: &str, depth: usize) {
        if depth == 0 {
            self.out.push_str(end);
            return;
        }
        let template = self.choices.pick(templates);
        self.fill(template, depth - 1);
    }
}

//! Scripts that nest in every way that the grammar has: refused before the parser's stack ends, however long they are,
//! and everything below the bound goes through parser, checks, transformation and printer.

use crate::support;

/// Ways to nest: what stands before, repeated on the way in, in the middle, repeated on the way out.
const WAYS: &[(&str, &str, &str, &str)] = &[
    ("let x = ", "(", "1", ")"),
    ("let x = ", "[", "1", "]"),
    ("let x = ", "{a:", "1", "}"),
    ("let x = ", "f(", "1", ")"),
    ("let x = ", "`${", "1", "}`"),
    ("let x = ", "!", "1", ""),
    ("let x = ", "- ", "1", ""),
    ("let x = ", "typeof\n", "1", ""),
    ("let x = ", "new ", "f", ""),
    ("let x = ", "a => ", "1", ""),
    ("let x = ", "async\u{a0}a => ", "1", ""),
    ("let x = ", "a ? b : ", "1", ""),
    ("let x = ", "a ? ", "1", " : b"),
    ("let x = ", "a = ", "1", ""),
    ("let x = ", "a ** ", "1", ""),
    ("let x = ", "a + ", "1", ""),
    ("let x = ", "a && ", "1", ""),
    ("let x = a", ".b", "", ""),
    ("let x = a", "?.b", "", ""),
    ("let x = a", "(1)", "", ""),
    ("let x = a", "[1]", "", ""),
    ("let x = a", "`1`", "", ""),
    ("let x = a", "!", "", ""),
    ("let x = a", " as any", "", ""),
    ("let x = a", " satisfies any", "", ""),
    ("let x = ", "<any>", "1", ""),
    ("let x = ", "function(){return ", "1", "}"),
    ("let x = ", "()=>{return ", "1", "}"),
    ("let x = ", "class{a=", "1", "}"),
    ("let x = ", "class extends ", "a", "{}"),
    ("async function f() { return ", "await ", "1", "}"),
    ("function* f() { return ", "yield ", "1", "}"),
    ("", "{", "1", "}"),
    ("", "if (a) ", ";", ""),
    ("", "if (a)\n", ";", ""),
    ("", "if (a); else ", ";", ""),
    ("", "if (a) {} else ", ";", ""),
    ("", "while (a) ", ";", ""),
    ("", "for (;;)\n", ";", ""),
    ("", "do ", ";", " while (a)"),
    ("", "try {", "", "} finally {}"),
    ("", "switch (a) { case 1: ", "", "}"),
    ("", "namespace a {", "", "}"),
    ("let ", "[", "a", "] = b"),
    ("let ", "{a:", "b", "} = b"),
    ("type T = ", "keyof\n", "a", ""),
    ("type T = ", "readonly ", "a[]", ""),
    ("type T = ", "a | (", "b", ")"),
    ("type T = ", "a<", "b", ">"),
    ("type T = ", "Map<a, ", "b", ">"),
    ("type T = a", "[]", "", ""),
    ("type T = a", "['b']", "", ""),
    ("type T = ", "a extends b ? c : ", "d", ""),
    ("type T = ", "() => ", "a", ""),
    ("type T = ", "{a: ", "b", "}"),
    ("type T = ", "[", "b", "]"),
    ("type T = ", "`${", "b", "}`"),
    ("type T = ", "a.", "b", ""),
    ("type T = ", "infer ", "b", ""),
    ("let x = /", "(", "1", ")"),
    ("let x = /", "(?:", "1", ")*"),
    ("let x = /", "(?=", "1", ")"),
    ("let x = /(?<!a)", "(?<b>", "1", ")"),
];

fn nested(way: &(&str, &str, &str, &str), times: usize) -> String {
    let (begin, open, middle, close) = way;
    let end = if begin.contains('/') { "/" } else { "" };
    let outer = if begin.contains("{ return") { "}" } else { "" };
    let close = close.trim_end_matches(" = b");
    let last = if way.3.ends_with("= b") { " = b" } else { "" };
    let close = if way.3 == "}" && !outer.is_empty() { "" } else { close };
    format!(
        "{begin}{}{middle}{}{end}{last}{outer}\nexport function execute() {{}}\n",
        open.repeat(times),
        close.repeat(times)
    )
}

fn codes(text: &str) -> Vec<&'static str> {
    let (_, _, found) = support::compile_one(&[("action.ts".to_owned(), text.to_owned())]);
    found.iter().map(|found| found.code).collect()
}

#[test]
fn however_a_script_nests_no_stack_overflows() {
    for way in WAYS {
        for times in [120, 400, 2_000, 4_000, 60_000] {
            let found = codes(&nested(way, times));
            assert!(!found.contains(&"A0959"), "{way:?} {times}: {found:?}");
        }
    }
}

#[test]
fn a_hundred_levels_are_not_too_deep() {
    for way in WAYS {
        let found = codes(&nested(way, 100));
        assert!(!found.contains(&"A0960"), "{way:?}: {found:?}");
    }
}

#[test]
fn long_scripts_that_nest_little_are_not_too_deep() {
    let flat = [
        "const a = f(1)\nlet b\n",
        "if (a) { b() }\n",
        "if (a)\n  b()\n",
        "function f(a, b) { return a }\n",
        "for (const a of b) { c(a) }\n",
        "a.b.c(d => d)\n",
        "type T = { a: string; b: Map<string, number> }\n",
        "const a = `${b}`, c = /(d)/, e = 'f(', g = 1 / 2\n",
        "class A { b = 1\n c() {}\n d() {} }\n",
        "// it's a (comment\n",
    ];
    for line in flat {
        let found = codes(&line.repeat(5_000));
        assert!(!found.contains(&"A0960"), "{line}: {:?}", found.first());
    }
    for (begin, item, end) in
        [("const a = [", "{ b: ['c'], d: e(1) }, ", "]"), ("f(", "`a`, ", ")"), ("type T = {", "a: 1 | 2;", "}")]
    {
        let found = codes(&format!("{begin}{}{end}", item.repeat(5_000)));
        assert!(!found.contains(&"A0960"), "{item}");
    }
}

#[test]
fn a_script_that_the_counter_misreads_is_refused_rather_than_missed() {
    // Quotes, slashes and brackets where they mean something else: the parentheses behind them count.
    let deep = "(".repeat(500);
    for before in ["/['\"`]/, ", "/[/]'/, ", "a /b/ c, ", "'\\'', ", "`\\``, ", "`${'}'}`, ", "1 /* ' */, ", "{} / 1, "]
    {
        let found = codes(&format!("const a = [{before}{deep}"));
        assert_eq!(found, ["A0960"], "{before}");
    }
}

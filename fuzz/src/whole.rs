//! Generates whole projects: a login and custom flows that are mostly well typed, with params, lists and secrets, and
//! what a run of them is given. Where the checker accepts one, running it must not go wrong.

mod expr;
pub(crate) mod given;
mod known;
mod steps;

use std::fmt::Write as _;

use admit_runtime::testing::TestCase;

use crate::choices::{Choices, Random};
use crate::histogram::count;
use known::{Kind, Scope};

/// A project and a run of it.
pub struct Whole {
    /// The project's files.
    pub files: Vec<(String, String)>,
    /// What a run is given.
    pub case: TestCase,
    /// Labels of blocks whose stub answers that the user's password is right.
    pub right: Vec<String>,
    /// Labels of lookups whose stub answers.
    pub looked: Vec<String>,
    /// It asks for more assurance than a password gives.
    pub asks_more: bool,
}

/// Makes a project, and a run of it.
pub fn whole(choices: &mut Choices<'_>) -> Whole {
    // What the run is given has choices of its own: long flows use all the others up.
    let seed = (0..8).fold(0_u64, |seed, _| seed << 8 | u64::from(choices.byte()));
    let data = Random::new(seed).bytes(4096);
    let mut writer = Writer {
        sloppy: choices.below(4) == 3,
        choices,
        out: String::new(),
        number: 0,
        steps: Vec::new(),
        flows: Vec::new(),
        custom: false,
        asks_more: false,
    };
    if writer.sloppy {
        count("flow: with mistakes");
    }
    for _ in 0..writer.choices.below(3) {
        writer.custom_flow();
    }
    writer.login();
    let mut files: Vec<(String, String)> = [
        ("admit.toml", MANIFEST),
        ("lists/countries.txt", "KP\nIR\n"),
        ("lists/throwaway.txt", "mailinator.com\nexample.com\n"),
        ("flows/shared.admit", SHARED),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .into();
    files.push(("flows/login.admit".to_owned(), std::mem::take(&mut writer.out)));
    let Writer { steps, asks_more, .. } = writer;
    given::given(&mut Choices::new(&data), files, &steps, asks_more)
}

/// Kinds that a run must produce.
pub fn kinds() -> Vec<String> {
    KINDS.iter().chain(known::KINDS).chain(expr::KINDS).chain(given::KINDS).map(|kind| (*kind).to_owned()).collect()
}

const KINDS: &[&str] = &[
    "flow: with mistakes",
    "flow: custom",
    "flow: budget",
    "step: run flow",
    "step: decision",
    "step: decision without default",
    "step: decision in a decision",
    "step: condition",
    "step: deny",
    "step: allow",
    "step: block in an empty stage",
    "modifier: timeout",
    "modifier: retry",
    "modifier: on error continue",
    "modifier: on error deny",
    "modifier: async",
    "guard: branch that ends",
    "mistake: no decision on the result",
    "mistake: no password",
    "mistake: unguarded read",
    "after: settled",
];

const MANIFEST: &str = "[project]\nname = \"generated\"\ncatalogue = \"1\"\n";

const SHARED: &str = "param limit: int(0 .. 100) = 70
param ratio: double(0.0 .. 1.0) = 0.5
param domain: string = \"example.com\"
param modes: list(\"a\" | \"b\" | \"c\") = [\"a\"]
param wanted: optional(string) = optional.none()
list countries from \"lists/countries.txt\"
list throwaway ignore case from \"lists/throwaway.txt\"
secret partner-key
";

/// A block that was written.
struct Written {
    label: String,
    kind: Kind,
    /// A factor that need not verify.
    lenient: bool,
}

/// A project being written.
struct Writer<'c, 'b> {
    choices: &'c mut Choices<'b>,
    out: String,
    /// Numbers names, so that no two are the same.
    number: usize,
    steps: Vec<Written>,
    /// Custom flows so far.
    flows: Vec<String>,
    /// A custom flow is being written.
    custom: bool,
    /// Mistakes are made.
    sloppy: bool,
    asks_more: bool,
}

impl Writer<'_, '_> {
    fn custom_flow(&mut self) {
        count("flow: custom");
        self.custom = true;
        let name = self.name("part");
        let _ = writeln!(self.out, "/// A part.\ncustom flow {name} {{");
        let mut scope = Scope { user: true, ..Scope::default() };
        self.word("stage first {\n");
        self.steps(&mut scope, 3, 0);
        self.word("}\nstage verdict \"Verdict\" {\n");
        self.steps(&mut scope, 1, 1);
        if self.choices.one_in(2) {
            let (decision, when) = (self.name("verdict"), self.condition(&scope));
            count("step: allow");
            let _ = writeln!(
                self.out,
                "decision {decision} {{ when {when} -> bad {{ deny {{ reason: \"bad\" }} }}\ndefault -> good {{ allow }} }}"
            );
        } else {
            count("step: allow");
            self.word("allow\n");
        }
        self.word("}\n}\n");
        self.flows.push(name);
        self.custom = false;
    }

    fn login(&mut self) {
        let mut scope = Scope::default();
        self.word("system flow login \"Login\" {\n");
        if self.choices.one_in(2) {
            count("flow: budget");
            self.word("budget 600s\n");
        }
        self.word("stage pre-login {\n");
        self.lookup(&mut scope);
        self.steps(&mut scope, 1, 1);
        if self.slip(6) {
            count("mistake: no password");
        } else {
            self.password(&mut scope);
        }
        self.word("}\nstage post-auth {\n");
        if self.choices.one_in(6) {
            count("step: block in an empty stage");
        } else {
            self.steps(&mut scope, 5, 0);
        }
        self.word("}\nstage post-login {\n");
        self.steps(&mut scope, 1, 1);
        self.issue(&mut scope);
        self.after(&scope);
        self.word("}\n}\n");
    }

    /// What may stand below the terminal that settles.
    fn after(&mut self, scope: &Scope) {
        for _ in 0..self.choices.below(3) {
            count("after: settled");
            if self.choices.one_in(2) {
                let (name, when, log) = (self.name("after"), self.condition(scope), self.name("log"));
                self.written(&log, Kind::Log);
                let _ = writeln!(
                    self.out,
                    "decision {name} {{ when {when} -> yes {{ log_event as {log} {{ name: \"after.yes\" }} }}\ndefault -> no }}"
                );
            } else {
                let mut scope = scope.clone();
                self.log(&mut scope);
            }
        }
    }

    fn word(&mut self, word: &str) {
        self.out.push_str(word);
    }

    fn name(&mut self, stem: &str) -> String {
        self.number += 1;
        format!("{stem}-{}", self.number)
    }

    fn written(&mut self, label: &str, kind: Kind) {
        count(kind.word());
        self.steps.push(Written { label: label.to_owned(), kind, lenient: false });
    }

    /// Whether to make a mistake here.
    fn slip(&mut self, times: usize) -> bool {
        self.sloppy && self.choices.one_in(times)
    }
}

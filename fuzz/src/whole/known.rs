//! What is known at a place of a generated flow: which steps have run, and what the event holds.

/// What a step is, as far as what reads it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `identity_lookup`
    Lookup,
    /// `password_check`
    Password,
    /// `mfa`
    Mfa,
    /// `require_mfa`
    RequireMfa,
    /// `risk_evaluate`
    Risk,
    /// `call_webhook`
    Webhook,
    /// `log_event`
    Log,
    /// `condition`, with fields `x` and `y`
    Condition,
    /// `decision`, with branches `yes` and `no`
    Decision,
    /// `issue_session`
    Session,
}

pub(super) const KINDS: &[&str] = &[
    "block: identity_lookup",
    "block: password_check",
    "block: mfa",
    "block: require_mfa",
    "block: risk_evaluate",
    "block: call_webhook",
    "block: log_event",
    "block: issue_session",
];

impl Kind {
    /// As the histogram has it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Lookup => "block: identity_lookup",
            Kind::Password => "block: password_check",
            Kind::Mfa => "block: mfa",
            Kind::RequireMfa => "block: require_mfa",
            Kind::Risk => "block: risk_evaluate",
            Kind::Webhook => "block: call_webhook",
            Kind::Log => "block: log_event",
            Kind::Condition => "step: condition",
            Kind::Decision => "step: decision",
            Kind::Session => "block: issue_session",
        }
    }

    /// Fields that a generated expression reads: name, and how it compares with something.
    pub(super) fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Kind::Lookup => &[("found", "")],
            Kind::Password => &[("verified", ""), ("locked", ""), ("needs_rehash", "")],
            Kind::Mfa => &[("verified", ""), ("factor", " == \"totp\"")],
            Kind::RequireMfa => &[("verified", "")],
            Kind::Risk => &[
                ("score", " >= #"),
                ("severity", " == \"high\""),
                ("recommendation", " != \"allow\""),
                ("score", " > params.limit"),
                ("reasons", ".exists(r, r == \"velocity\")"),
                ("severity", " in [\"low\", \"medium\"]"),
                ("score", " * 2 - # > 10"),
                ("reasons", ".size() > 1"),
            ],
            Kind::Webhook => &[
                ("body", ".score > 0.#"),
                ("status", " == 20#"),
                ("body", ".tags.exists(t, t.startsWith(\"t#\"))"),
                ("body", ".level == \"b\""),
                ("body", ".?note.orValue(\"\").size() > #"),
                ("body", ".deep.n + # > 10"),
                ("headers", ".?etag.orValue(\"\") == \"e#\""),
                ("body", ".deep.?m.hasValue()"),
                ("body", ".score > params.ratio"),
            ],
            Kind::Log => &[("id", ".size() > #")],
            Kind::Condition => &[("x", ""), ("y", ""), ("all", ""), ("any", "")],
            Kind::Decision => &[("branch", " == \"yes\""), ("branch", " != \"no\"")],
            Kind::Session => &[],
        }
    }
}

/// A step that expressions may read.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) label: String,
    pub(super) kind: Kind,
    /// It has run on every path to here.
    pub(super) sure: bool,
}

/// What is known at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) steps: Vec<Known>,
    /// `event.user` is known.
    pub(super) user: bool,
    /// `event.authentication.risk_score` is set.
    pub(super) risk: bool,
    /// The outcome is settled.
    pub(super) settled: bool,
}

impl Scope {
    pub(super) fn add(&mut self, label: &str, kind: Kind, sure: bool) {
        self.steps.push(Known { label: label.to_owned(), kind, sure });
    }

    /// Below branches that come out: one branch says all, of several what is new may not have run.
    pub(super) fn join(&mut self, mut out: Vec<Scope>) {
        if out.len() == 1
            && let Some(only) = out.pop()
        {
            *self = only;
            return;
        }
        let before = self.steps.len();
        for branch in out {
            self.steps.extend(branch.steps.into_iter().skip(before).map(|step| Known { sure: false, ..step }));
        }
    }
}

//! The outcome, the trace and the explanation of a request.

use admit_compiler::render::sanitize;
use admit_eval::json;
use admit_plan::bundle::Bundle;
use admit_runtime::execute::{Answer, Outcome};
use admit_runtime::tenant::TenantId;
use admit_runtime::trace::Trace;
use serde_json::Value;

use crate::output::{Output, print};
use crate::trace;

/// For people: the trace and explanation of a request, as it ends.
pub fn aside(answer: &Answer, bundle: &Bundle, output: &Output, (with_trace, with_explanation): (bool, bool)) {
    if !output.human() {
        return;
    }
    if with_trace {
        print(&trace::human(&answer.trace, output));
    }
    if with_explanation {
        print(&trace::human_explained(&answer.trace, bundle, output));
    }
}

/// For people: what happened in the tries of queued steps.
pub fn queued(traces: &[Trace], output: &Output) {
    if output.human() {
        traces.iter().for_each(|trace| print(&trace::human(trace, output)));
    }
}

/// The outcome; in other formats than the human one with the last request's trace and explanation in it.
pub fn outcome(
    answer: &Answer,
    (bundle, tenant): (&Bundle, &TenantId),
    output: &Output,
    (with_trace, with_explanation): (bool, bool),
) {
    if output.human() {
        print(&human(answer, tenant, output));
        return;
    }
    let mut object = admit_server::answer::as_json(answer);
    if with_trace {
        admit_server::answer::insert(&mut object, "trace", admit_server::trace::as_json(&answer.trace));
    }
    if with_explanation {
        admit_server::answer::insert(
            &mut object,
            "explanation",
            admit_server::trace::explained_json(&answer.trace, bundle),
        );
    }
    print(&format!("{}\n", sanitize::json(&object)));
}

/// The fields of an answer: what is wanted, and in brackets what may be given besides.
fn wanted(fields: &[Value]) -> Option<String> {
    let named = fields.iter().filter_map(|field| {
        let name = field.get("name")?.as_str()?;
        let required = field.get("required")?.as_bool()?;
        Some(if required { name.to_owned() } else { format!("[{name}]") })
    });
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| named.join(" "))
}

fn human(answer: &Answer, tenant: &TenantId, output: &Output) -> String {
    let mut lines = vec![match &answer.outcome {
        Outcome::Session { .. } | Outcome::Tokens { .. } | Outcome::Allow | Outcome::Finalized => {
            format!("outcome: {}", output.paint("1;32", answer.outcome.word()))
        }
        Outcome::Deny { reason, .. } => format!("outcome: {} {reason}", output.paint("1;31", "deny")),
        Outcome::Suspended { label, .. } => format!("outcome: {} at {label}", output.paint("1;33", "suspended")),
        Outcome::Error { id, label } => {
            let at = label.as_ref().map_or_else(String::new, |label| format!(" at {label}"));
            format!("outcome: {} {id}{at}", output.paint("1;31", "error"))
        }
    }];
    match &answer.outcome {
        Outcome::Session { session, token, cookie } => {
            lines.push(format!("session: {}", sanitize::line(&json::to_json(session).to_string())));
            let cookie = cookie.iter().map(|cookie| sanitize::line(&json::to_json(cookie).to_string()));
            lines.extend(cookie.map(|cookie| format!("cookie:  {cookie}")));
            lines.push(format!("token:   {token}"));
        }
        Outcome::Tokens { session, tokens } => {
            lines.push(format!("session: {}", sanitize::line(&json::to_json(session).to_string())));
            lines.push(format!("access:  {}", tokens.access_token));
            lines.extend(tokens.refresh_token.iter().map(|token| format!("refresh: {token}")));
        }
        Outcome::Deny { user_message: Some(message), .. } => {
            lines.push(format!("message: {}", sanitize::line(message)))
        }
        Outcome::Suspended { challenge, resume_token, problem, .. } => {
            lines.extend(problem.iter().map(|problem| format!("problem: {}", sanitize::line(problem))));
            let (shown, fields) = super::ask::parted(challenge);
            lines.push(format!("asks:    {}", sanitize::line(&shown.to_string())));
            lines.extend(wanted(&fields).map(|wanted| format!("answer:  {}", sanitize::line(&wanted))));
            let of = if tenant.as_str() == "local" { String::new() } else { format!(" --tenant {tenant}") };
            lines.push(format!("resume:  admit run --resume {resume_token} --input FILE{of}"));
        }
        Outcome::Error { .. } => {
            if let Some((label, why)) = answer.trace.failure() {
                lines.push(format!("because: `{label}`: {}", sanitize::line(why)));
            }
        }
        Outcome::Allow | Outcome::Finalized | Outcome::Deny { user_message: None, .. } => {}
    }
    let result = answer.result.iter().map(|result| sanitize::line(&json::to_json(result).to_string()));
    lines.extend(result.map(|result| format!("result:  {result}")));
    lines.extend(answer.redirect_to.iter().map(|url| format!("go to:   {}", sanitize::line(url))));
    lines.push(format!("run:     {}", answer.run_id));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

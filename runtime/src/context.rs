//! What a request brings along for logs, audit and peers: its id, and where it stands in a distributed trace (W3C Trace Context).
//! It belongs to the task that serves the request, so that nothing in between has to hand it on.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use admit_eval::datum::Datum;
use smol_str::SmolStr;

use crate::unit::AuditEntry;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Context>>> = const { RefCell::new(None) };
}

/// A request as logs, audit and peers know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The caller's own, where it gave a valid one.
    pub request_id: SmolStr,
    /// Where it stands in a trace, if it is in one.
    pub trace: Option<TraceParent>,
    /// Where the connection came from.
    pub ip: Option<IpAddr>,
    /// What the caller says that it is.
    pub user_agent: Option<SmolStr>,
}

impl Context {
    /// As audit entries say it: a record of `ip`, `user_agent` and `request_id`, those that are known.
    pub fn record(&self) -> Datum {
        let fields = [
            ("ip", self.ip.map(|ip| SmolStr::new(ip.to_string()))),
            ("user_agent", self.user_agent.clone()),
            ("request_id", Some(self.request_id.clone())),
        ];
        let there = fields.into_iter().filter_map(|(name, text)| Some((name, Datum::Str(text?.as_str().into()))));
        Datum::record(there)
    }
}

/// `traceparent` of W3C Trace Context, level 1, section 3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span that asks.
    pub span_id: [u8; 8],
    /// Whether whoever began the trace records it.
    pub is_sampled: bool,
}

impl TraceParent {
    /// Reads the field's value; none where it is not valid.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let version: [u8; 1] = hex(version)?;
        let [flags] = hex(flags)?;
        // A later version may have more parts; this one has none, and `ff` is none.
        if version == [0xff] || version == [0] && parts.next().is_some() {
            return None;
        }
        let parent = Self { trace_id: hex(trace)?, span_id: hex(span)?, is_sampled: flags & 1 == 1 };
        (parent.trace_id != [0; 16] && parent.span_id != [0; 8]).then_some(parent)
    }

    /// As the field's value.
    pub fn text(&self) -> String {
        format!("00-{}-{}-{:02x}", text(&self.trace_id), text(&self.span_id), u8::from(self.is_sampled))
    }
}

/// The context of the request that this thread works on now.
pub fn current() -> Option<Arc<Context>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Runs the future within the context.
pub async fn within<F: Future>(context: Arc<Context>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|task| {
        let _back = Back(CURRENT.replace(Some(Arc::clone(&context))));
        future.as_mut().poll(task)
    })
    .await
}

/// The entry with the id of the request that it is of, where there is one.
pub fn of_request(mut entry: AuditEntry) -> AuditEntry {
    CURRENT.with_borrow(|context| {
        let Some(context) = context else { return };
        let name = Datum::Str("request_id".into());
        let id = || Datum::Str(context.request_id.as_str().into());
        if entry.data == Datum::Null {
            entry.data = Datum::Map(vec![(name, id())]);
        } else if let Datum::Map(fields) = &mut entry.data
            && fields.iter().all(|(known, _)| *known != name)
        {
            fields.push((name, id()));
        }
    });
    entry
}

/// Puts back what was there, also where the future panics.
struct Back(Option<Arc<Context>>);

impl Drop for Back {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Bytes of lower-case digits, as the standard has them.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if text.len() != 2 * N || !is_lower {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Bytes as lower-case hexadecimal digits.
pub fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_as_the_standard_has_it() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent = TraceParent::parse(given).unwrap();
        assert_eq!((parent.text().as_str(), parent.is_sampled), (given, true));
        let later = format!("cc{}-more", &given[2..]);
        assert_eq!(TraceParent::parse(&later), Some(parent));
        for bad in [
            "",
            "00",
            &given[..54],
            &format!("{given}-00"),
            &given.to_uppercase(),
            &given.replacen("00", "ff", 1),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-é4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }
}

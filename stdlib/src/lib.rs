//! The standard library: declarations as text ([`SOURCES`]) and an implementation beside each.

mod declarations;

pub use declarations::SOURCES;

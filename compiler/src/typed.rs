//! The typed IR: what the source means. Expressions are typed straight into `admit_plan::code`, flows into [`flow`].

pub mod flow;
pub mod test;

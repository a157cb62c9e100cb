//! Scripts of Actions: text in, JavaScript or findings beside it. One test binary.
#![expect(clippy::unwrap_used, reason = "tests")]

mod corpus;
mod nesting;
mod pages;
mod support;

//! Prints the stages of the compiler as trees, for `admit emit` and snapshots.

pub mod ast;
pub mod ast_expr;
pub mod ast_items;
pub mod tree;
pub mod typed;

//! The compiler: source text to AST to typed flows to plan. Pure: strings in, values out.
//!
//! The library of blocks, the event and the contracts are an argument (declarations in the language itself), so
//! that hosts can extend them; a user's mistake is a [`diagnostic::Diagnostic`], never an `Err`.

pub mod ast;
pub mod cases;
pub mod check;
pub mod codes;
pub mod diagnostic;
pub mod doc;
pub mod format;
pub mod graph;
pub mod library;
pub mod lower;
pub mod nearest;
pub mod parse;
pub mod print;
pub mod project;
pub mod render;
pub mod resolve;
pub mod schema;
pub mod scripts;
pub mod source;
pub mod standalone;
pub mod typed;
pub mod typings;

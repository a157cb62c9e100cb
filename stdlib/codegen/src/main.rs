//! Writes `stdlib/src/generated.rs` and `stdlib/src/generated/` from the declarations: `cargo run -p admit-stdlib-codegen`.

use std::process::ExitCode;

use admit_stdlib_codegen::{generate, stdlib, write};

fn main() -> ExitCode {
    let folder = stdlib();
    match generate(&folder).and_then(|files| write(&folder, &files)) {
        Ok(changed) => {
            for path in &changed {
                println!("{path}");
            }
            println!("{} files changed", changed.len());
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("error: {fault}");
            ExitCode::FAILURE
        }
    }
}

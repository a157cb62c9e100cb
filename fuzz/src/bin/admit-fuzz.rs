//! `admit-fuzz TARGET --seconds N [--seed S] [--input HEX]` and `admit-fuzz --list`.

use std::process::ExitCode;
use std::time::Duration;

use admit_fuzz::drive::drive;
use admit_fuzz::targets::{self, TARGETS, Target};

const USAGE: &str = "usage: admit-fuzz TARGET [--seconds N] [--seed S] [--input HEX]\n       admit-fuzz --list";

struct Options {
    target: &'static Target,
    seconds: u64,
    seed: u64,
    input: Option<Vec<u8>>,
}

fn main() -> ExitCode {
    admit_actions::worker::run_if_asked();
    let words = std::env::args().skip(1).collect::<Vec<_>>();
    if words.iter().any(|word| word == "--list") {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        return ExitCode::SUCCESS;
    }
    match options(&words) {
        Ok(options) => run(&options),
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn options(words: &[String]) -> Result<Options, String> {
    let mut words = words.iter();
    let name = words.next().ok_or("no target is named")?;
    let target = targets::find(name).ok_or_else(|| format!("there is no target `{name}`"))?;
    let mut options = Options { target, seconds: 10, seed: 1, input: None };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is not a whole number"));
        match word.as_str() {
            "--seconds" => options.seconds = number()?,
            "--seed" => options.seed = number()?,
            "--input" => options.input = Some(from_hex(value).ok_or_else(|| format!("`{value}` is not hex"))?),
            _ => return Err(format!("there is no option `{word}`")),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> ExitCode {
    let Options { target, seconds, seed, input } = options;
    if let Some(input) = input {
        (target.run)(input);
        println!("{}: the promise holds for this input", target.name);
        return ExitCode::SUCCESS;
    }
    let report = drive(target, Duration::from_secs(*seconds), *seed, u64::MAX);
    println!("{}: {} ({} inputs, seed {seed})", target.name, target.promise, report.inputs);
    for (kind, count) in &report.counts {
        println!("{count:>10}  {kind}");
    }
    if let Some(input) = report.crash {
        let hex = input.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        println!("broken by input {}: admit-fuzz {} --input {hex}", report.inputs, target.name);
        return ExitCode::FAILURE;
    }
    if !report.missing.is_empty() {
        println!("never produced: {}", report.missing.join(", "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

//! The log of `admit serve`, on standard error: one line an event, as text or as JSON. What a field holds cannot end the line.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::SystemTime;

/// What is logged.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct LogArgs {
    /// How lines are written
    #[arg(long, value_enum, value_name = "FORM", default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// What is written
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LogLevel::Info)]
    log_level: LogLevel,
    /// A line for each request, not for those alone that could not be served
    #[arg(long)]
    pub log_requests: bool,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogLevel {
    /// Nothing
    Off,
    /// What must not be
    Error,
    /// What somebody should look at
    Warn,
    /// What happens
    Info,
    /// More of it
    Debug,
}

/// Lines that could not be written.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Lines that could not be written: the disk is full, say. The server goes on without them.
pub fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Logs from now on, panics too: where they were, not what they say, which may be anything.
pub fn start(args: LogArgs) {
    let level = match args.log_level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_timer(SystemTime)
        .with_target(false)
        .log_internal_errors(false)
        .with_writer(Lines);
    // Whatever was set before stays: a second start in one process changes nothing.
    let _ = match args.log_format {
        LogFormat::Text => {
            tracing::subscriber::set_global_default(builder.with_ansi(io::stderr().is_terminal()).finish())
        }
        LogFormat::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        tracing::error!(place = place.as_str(), "a fault of this program: what it was doing has failed");
    }));
}

/// Standard error, whose failures are counted.
struct Lines;

impl MakeWriter<'_> for Lines {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line
    }
}

/// One event.
struct Line;

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An event is one write, so that lines of several threads do not mix.
        if io::stderr().lock().write_all(bytes).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! How fast parsing is: a project of 1,000 files and about 60,000 lines, on one core.

use std::fmt::Write as _;
use std::hint::black_box;

use admit_compiler::parse::parse;
use admit_compiler::source::FileId;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn project() -> Vec<String> {
    (0..1000).map(flow).collect()
}

/// One flow of 60 lines: blocks, decisions, conditions, config, templates, comments.
fn flow(number: usize) -> String {
    let mut text = format!(
        "/// Signs a returning user in, way {number}.\ncustom flow flow-{number} \"Flow {number}\" {{\n  budget 8s\n\n  stage pre-{number} \"Before\" {{\n"
    );
    for part in 0..6 {
        let _ = write!(
            text,
            "    // Look at the request, part {part}.\n    risk_evaluate as risk-{part} {{ signals: [\"new_device\", \"velocity\"] }} timeout 300ms\n    decision route-{part} {{\n      when step.risk-{part}.severity == \"high\" || event.request.asn.is_tor -> blocked {{ deny {{ reason: \"high_risk\" }} }}\n      when event.authentication.risk_score.orValue(0) >= 60 && !(event.request.geo.country in [\"US\", \"IN\"]) -> step-up {{ mfa {{ factors: [\"totp\"] }} }}\n      default -> proceed\n    }}\n    call_webhook as hook-{part} {{\n      url: \"https://fraud.example.com/score?user={{{{ event.user.id }}}}&n={part}\"\n      body: {{\"ip\": event.request.ip, ?\"email\": event.user.?email}}\n    }} timeout 800ms retry 1 on error continue\n"
        );
    }
    text.push_str("  }\n  stage verdict {\n    allow\n  }\n}\n");
    text
}

fn parsing(c: &mut Criterion) {
    let files = project();
    let bytes = files.iter().map(String::len).sum::<usize>();
    let lines = files.iter().map(|file| file.lines().count()).sum::<usize>();
    for file in files.iter().take(1) {
        assert!(parse(FileId(0), file).diagnostics.is_empty());
    }
    let mut group = c.benchmark_group("parse");
    group.sample_size(11);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function(format!("{lines} lines in {} files", files.len()), |bencher| {
        bencher.iter(|| {
            for file in &files {
                black_box(parse(FileId(0), file));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, parsing);
criterion_main!(benches);

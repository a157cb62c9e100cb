//! T21: what is secret stands in no file, no output and no trace, in no encoding.

use std::fs;

use crate::admit::{Done, Folder};
use crate::totp;
use crate::webhook::Service;

const PASSWORD: &str = "canary-password-6f1d2b9ce4";
const KEY: &str = "canary-key-of-a-service-93ab17";

#[test]
fn t21_no_secret_is_found_anywhere() {
    let service = Service::new(r#"{"risk_score": 0.5}"#);
    let folder = Folder::example("fraud-webhook-branch");
    let url = format!("[params]\nfraud-url = \"http://127.0.0.1:{}/score\"\n", service.port);
    folder.write("tenants/acme.toml", url);
    let user = format!("{{\"email\": \"c@x.io\", \"password\": \"{PASSWORD}\", \"totp_secret\": \"{}\"}}", totp::SEED);
    let input = format!("{{\"identifier\": \"c@x.io\", \"password\": \"{PASSWORD}\"}}");
    let mut printed = Vec::new();
    let mut run = |args: &str, stdin: &str, code: i32| {
        let args = format!("{args} --tenant acme");
        let done = folder.with(&args, stdin, &[("KEY", KEY)]).code(code);
        printed.push(format!("{}{}", done.out, done.err));
        done
    };
    run("user import -", &user, 0);
    let flags = format!(
        "--trace --explain --secret k=env:KEY --secret fraud-key=env:KEY --allow-egress 127.0.0.1:{}",
        service.port
    );
    let login = format!("run login --event events/office.json --input - {flags}");
    let wrong = input.replace("@x.io", "@y.io");
    run(&login, &wrong, 1);
    run(&login, &input.replace("c@", &format!("{PASSWORD}@")), 1);
    run(&login, &format!("{input}{input}"), 2);
    run(&login, &input.replace('"', ""), 2);
    let answer: Done = run(&format!("{login} --format json"), &input, 0);
    let token = answer.json()["resume_token"].as_str().unwrap().to_owned();
    printed.pop();
    let mut run = |args: &str, stdin: &str, code: i32| {
        let done = folder.with(&format!("{args} --tenant acme"), stdin, &[("KEY", KEY)]).code(code);
        printed.push(format!("{}{}", done.out, done.err));
    };
    let code = format!("{{\"code\": \"{}\"}}", totp::code());
    run(&format!("run --resume={token} --input - {flags}"), &code, 0);
    run(&format!("run --resume={token} --input - {flags}"), &code, 2);
    run("user list --format json", "", 0);
    assert!(service.requests().iter().all(|request| request.contains(KEY)), "the secret was not sent at all");
    assert!(!service.requests().iter().any(|request| request.contains(PASSWORD)));

    let mut artifacts: Vec<(String, Vec<u8>)> =
        printed.into_iter().map(|text| (format!("printed: {text}"), text.into_bytes())).collect();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("admit.db") && path.is_file() {
            artifacts.push((path.display().to_string(), fs::read(path).unwrap()));
        }
    }
    assert!(artifacts.len() > 9);
    let seed = totp::base32(totp::SEED);
    let secrets: [(&str, &[u8]); 5] = [
        ("password", PASSWORD.as_bytes()),
        ("service key", KEY.as_bytes()),
        ("seed as text", totp::SEED.as_bytes()),
        ("seed", &seed),
        ("resume token", token.as_bytes()),
    ];
    for (what, secret) in secrets {
        for form in forms(secret) {
            for (name, bytes) in &artifacts {
                assert!(!bytes.windows(form.len()).any(|window| window == form), "the {what} is in {name}");
            }
        }
    }
}

/// Raw, as hex in both cases, and as base64 at each of the three offsets that it may stand at.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![secret.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    for skip in 0..3 {
        let text = base64(&secret[skip..secret.len() - (secret.len() - skip) % 3]);
        forms.push(text.replace('+', "-").replace('/', "_").into_bytes());
        forms.push(text.into_bytes());
    }
    forms
}

/// RFC 4648, section 4, of whole groups.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|group| {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[bits >> shift & 63]))
    });
    groups.flatten().collect()
}

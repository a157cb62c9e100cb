//! A database on a PostgreSQL server: the same commands, the same runs.

use crate::admit::Folder;
use crate::{postgres, totp};

#[test]
fn users_sign_in_from_a_database_on_a_server() {
    let folder = Folder::example("cymmetri");
    let Some(server) = postgres::start(false) else {
        assert!(std::env::var_os("ADMIT_TEST_POSTGRES").is_none(), "ADMIT_TEST_POSTGRES is set, and there is none");
        println!("1 case did not run: there is no PostgreSQL here");
        return;
    };
    let address = format!("{server}/postgres");
    let admit = |args: &str| folder.with(args, "", &[("ADMIT_DATABASE", &address)]);
    admit("user list").code(2).says("there is no key file").says("--key-file FILE");
    admit("user import users.jsonl").code(0).says("made the development key file");
    assert!(folder.file("admit.key").exists() && !folder.file("admit.db").exists());
    admit("user list").code(0).says("alice");
    admit("run login --event events/office.json --input inputs/alice.json").code(0).says("outcome: session");

    // A run that waits is gone on with by another process.
    folder.replace("events/office.json", "dev_77aa", "dev_new");
    folder.replace("events/office.json", "\"is_proxy\": false", "\"is_proxy\": true");
    let waits = admit("run login --event events/office.json --input inputs/alice.json --format json").code(0).json();
    assert_eq!(waits["outcome"], "suspended");
    folder.write("code.json", format!("{{\"code\": \"{}\"}}", totp::code()));
    let resume = format!("run --resume {} --input code.json", waits["resume_token"].as_str().unwrap());
    admit(&resume).code(0).says("outcome: session");
    admit(&resume).code(2).hides("outcome: session");

    // The flag is asked before the variable; another key opens nothing.
    admit("user list --database other.db").code(2).says("there is no database `other.db`");
    admit("user import users.jsonl --key-file other.key").code(2).says("the key file is not the one");
}

#[test]
fn a_server_that_cannot_be_used_is_named_without_the_password() {
    let folder = Folder::new();
    for address in ["postgres://me:canary-secret@127.0.0.1:1/x", "postgresql://me:canary-secret@host:port/x"] {
        folder
            .with("user add --username bob --no-password", "", &[("ADMIT_DATABASE", address)])
            .code(2)
            .hides("canary-secret");
        folder.with("user list --help", "", &[("ADMIT_DATABASE", address)]).code(0).hides("canary-secret");
    }
}

//! T26: what lies in a project's folder that is no plain file is refused, and no link is followed out of it.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::admit::{Folder, LOGIN};

#[test]
fn t26_links_pipes_and_devices_in_a_project_are_refused() {
    let outside = Folder::new();
    outside.write("secret.admit", "param secret-of-another: int = 1\n");
    for (name, target) in [
        ("flows/link.admit", outside.file("secret.admit")),
        ("flows/device.admit", "/dev/zero".into()),
        ("flows/dangling.admit", "/nowhere/at/all".into()),
        ("lists/link.txt", "/etc/passwd".into()),
        ("tenants/acme.toml", outside.file("secret.admit")),
    ] {
        let folder = Folder::project(LOGIN);
        folder.write("lists/x.txt", "");
        folder.write("tenants/x.toml", "");
        symlink(target, folder.file(name)).unwrap();
        for command in ["check", "fmt", "build", "test"] {
            folder.admit(command).code(2).says(name).says("not a regular file").hides("secret-of-another");
        }
    }
    let folder = Folder::project(LOGIN);
    assert!(Command::new("mkfifo").arg(folder.file("flows/pipe.admit")).status().unwrap().success());
    folder.admit("check").code(2).says("`flows/pipe.admit` is not a regular file");
}

#[test]
fn t26_folders_are_not_followed_out_of_the_project_nor_in_circles() {
    let outside = Folder::new();
    outside.write("flow.admit", "param secret-of-another: int = 1\n");
    let folder = Folder::project(LOGIN);
    symlink(outside.path(), folder.file("flows/elsewhere")).unwrap();
    symlink(folder.path(), folder.file("flows/circle")).unwrap();
    folder.admit("check").code(0).hides("secret-of-another").says("1 flow");
}

#[test]
fn t26_the_manifest_itself_may_not_be_a_link() {
    let outside = Folder::project(LOGIN);
    let folder = Folder::new();
    folder.write("flows/login.admit", LOGIN);
    symlink(outside.file("admit.toml"), folder.file("admit.toml")).unwrap();
    folder.admit("check").code(2).says("`admit.toml` is not a regular file");
}

#[test]
fn t26_files_that_a_user_names_are_bounded() {
    let folder = Folder::new();
    for command in ["check /dev/zero", "fmt /dev/zero", "user import /dev/zero"] {
        folder.admit(command).code(2).says("larger than 64 MiB");
    }
    let folder = Folder::project(LOGIN);
    folder.admit("run login --event /dev/zero").code(2).says("larger than 64 MiB");
    folder.admit("run login --event flows").code(2).says("is a folder, not a file");
}

#[test]
fn a_project_too_deep_is_refused() {
    let folder = Folder::project(LOGIN);
    folder.write(&format!("{}x.admit", "d/".repeat(30)), "");
    folder.admit("check").code(2).says("folders deep");
}

#[test]
fn t25_names_of_files_and_texts_of_sources_do_not_reach_the_terminal_raw() {
    let folder = Folder::project(LOGIN);
    folder.write("flows/\u{1b}[31mred\u{202e}.admit", "param \u{1b}]52;c;eA==\u{7} \u{202e}\n");
    for format in ["human", "json", "sarif", "github", "junit"] {
        let done = folder.admit(&format!("check --color never --format {format}")).code(1);
        for text in [&done.out, &done.err] {
            let raw = text.chars().find(|&it| it.is_control() && it != '\n' || it == '\u{202e}');
            assert_eq!(raw, None, "{format}: {text}");
        }
    }
    folder.write("flows/\u{1b}[31mred\u{202e}.admit", "param  a: int = 1 // \u{202e}\n");
    let done = folder.admit("fmt --diff --color never").code(1);
    assert!(!done.out.contains(['\u{1b}', '\u{202e}']), "{}", done.out);
}

//! The project: every file that is not as it should be gives a diagnostic at the place that proves it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use admit_compiler::library::Library;
use admit_compiler::project::Project;
use admit_eval::datum::Datum;

/// `code path:start..end message` of each finding.
fn findings(files: &[(&str, &[u8])]) -> Vec<String> {
    let (_, diagnostics) = Project::read(&Library::default(), files);
    let (project, _) = Project::read(&Library::default(), files);
    diagnostics
        .iter()
        .map(|found| {
            let at = found.primary.span;
            let name = &project.sources.get(at.file).unwrap().name;
            format!("{} {name}:{}..{} {}", found.code, at.start, at.end, found.message)
        })
        .collect()
}

#[test]
fn a_sound_project_is_read_whole() {
    let files: &[(&str, &[u8])] = &[
        (
            "admit.toml",
            b"[project]\nname = \"shop\"\ncatalogue = \"1\"\n[egress]\nhosts = [\"api.example.com\", \"[::1]:8443\"]\n\
              [limits]\nbudget = \"8s\"\n[env.test.egress]\nhosts = [\"localhost:9000\"]\n",
        ),
        (
            "flows/a.admit",
            b"param limit: int(0 .. 9) = 1\nparam since: timestamp\nlist words from \"lists/words.txt\"\n",
        ),
        ("lists/words.txt", b"# all\nalpha\n  beta # second\n\r\nc#sharp\r\n"),
        ("tenants/acme.toml", b"[params]\nlimit = 3\nsince = 2024-02-29T12:00:00+02:00\n"),
        ("README.md", b"\xff left alone"),
    ];
    let (project, diagnostics) = Project::read(&Library::default(), files);
    assert_eq!(diagnostics, []);
    assert_eq!(project.manifest.name, "shop");
    assert_eq!(project.manifest.settings.limits.budget, Some(8_000));
    assert_eq!(project.manifest.settings(None).egress, ["api.example.com", "[::1]:8443"]);
    assert_eq!(project.manifest.settings(Some("test")).egress, ["localhost:9000"]);
    assert_eq!(project.manifest.settings(Some("test")).limits.budget, Some(8_000));
    let words: Vec<&str> = project.list("lists/words.txt").unwrap().entries.iter().map(|e| e.text.as_str()).collect();
    assert_eq!(words, ["alpha", "beta", "c#sharp"]);
    let acme = &project.tenants["acme"];
    assert_eq!(acme.params[0].value, Datum::Int(3));
    let Datum::Timestamp(since) = &acme.params[1].value else { panic!() };
    assert_eq!((since.seconds, since.nanos), (1_709_200_800, 0));
}

#[test]
fn each_mistake_in_a_file_is_found_where_it_stands() {
    let program: (&str, &[u8]) = ("a.admit", b"param limit: int(0 .. 9) = 1\n");
    let cases: &[(&str, &[u8], &str)] = &[
        ("b.admit", b"list \xff", "A0901 b.admit:5..8 `b.admit` is not UTF-8 from byte 5 on"),
        ("admit.toml", b"[project]\nname = \"a\"\n[project", "A0903 admit.toml:29..29 this is not TOML"),
        ("admit.toml", b"", "A0904 admit.toml:0..0 `admit.toml` does not name its project"),
        ("admit.toml", b"[project]\nname = \"A b\"\n", "A0904 admit.toml:17..22 `A b` is not a name"),
        (
            "admit.toml",
            b"[project]\nname = 1\n",
            "A0904 admit.toml:17..18 `project.name` is a string, not a TOML integer",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\ncatalogue = \"2\"",
            "A0904 admit.toml:33..36 there is no catalogue `2`",
        ),
        ("admit.toml", b"[project]\nname = \"a\"\n[egres]", "A0905 admit.toml:22..27 `admit.toml` has no key `egres`"),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[egress]\nhosts = [\"https://a.b\"]",
            "A0904 admit.toml:39..52 `https://a.b` is not a host",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[rules]",
            "A0908 admit.toml:22..27 `rules` does nothing yet: no block of this version uses it",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[webauthn]\nrp_id = \"co.uk\"\norigins = [\"https://co.uk\"]",
            "A0904 admit.toml:40..47 `co.uk` is a public suffix: browsers bind no passkey to it",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[webauthn]\nrp_id = \"a.example\"\norigins = [\"https://b.example\"]",
            "A0904 admit.toml:63..82 `https://b.example` is not of the domain `rp_id`",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[webauthn]\nrp_id = \"a.example\"\norigins = [\"http://a.example\"]",
            "A0904 admit.toml:63..81 `http://a.example` is not secure: browsers give passkeys to https alone",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[feeds.a]\nkind = \"torr\"\npath = \"x\"",
            "A0904 admit.toml:38..44 `feeds.a.kind` is not `torr`",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[feeds.A]\nkind = \"tor\"\npath = \"x\"",
            "A0904 admit.toml:28..29 `A` is not the name of a feed",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[feeds]\na = { kind = \"tor\" }",
            "A0904 admit.toml:33..49 `feeds.a` has no file",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[feeds]\na = { path = \"x\" }",
            "A0904 admit.toml:33..47 `feeds.a` does not say what its addresses are",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[geo]\nplace = \"x\"",
            "A0905 admit.toml:27..32 `geo` has no key `place`",
        ),
        (
            "admit.toml",
            b"[project]\nname = \"a\"\n[breached]\nurl = \"http://a.example\"",
            "A0904 admit.toml:38..56 `http://a.example` is not an address",
        ),
        ("b.admit", b"list w from \"lists/w.txt\"", "A0906 b.admit:12..25 the list `w` has no file `lists/w.txt`"),
        ("tenants/acme.toml", b"[params]\nlimt = 1", "A0905 tenants/acme.toml:9..13 the project has no param `limt`"),
        (
            "tenants/acme.toml",
            b"[params]\nlimit = 10",
            "A0910 tenants/acme.toml:17..19 `limit` is from 0 to 9, not `10`",
        ),
        (
            "tenants/acme.toml",
            b"[params]\nlimit = \"x\"",
            "A0910 tenants/acme.toml:17..20 `limit` is a whole number, not `\"x\"`",
        ),
        ("tenants/Acme.toml", b"", "A0904 tenants/Acme.toml:0..0 `Acme` is not the slug of a tenant"),
        ("b.admit", b"param p: string", ""),
        (
            "actions/a/action.admit",
            b"",
            "A0909 actions/a/action.admit:0..0 `actions/a/action.admit` is not where the project looks for Actions",
        ),
        (
            "actions/b/1.0.0/action.admit",
            b"action a { version \"1.0.0\" source \"a.ts\" }",
            "A0909 actions/b/1.0.0/action.admit:7..8 the Action `a` lies in the folder of `b`",
        ),
        (
            "actions/a/1.0.0/action.admit",
            b"action a { version \"1.0.1\" source \"a.ts\" }",
            "A0909 actions/a/1.0.0/action.admit:19..26 the version `1.0.1` lies in the folder of `1.0.0`",
        ),
    ];
    for (path, bytes, expected) in cases {
        let found = findings(&[program, (path, bytes)]);
        match found.first() {
            Some(first) => assert!(!expected.is_empty() && first.starts_with(expected), "{found:?}\n{expected}"),
            None => assert_eq!(*expected, ""),
        }
    }
}

#[test]
fn a_tenant_gives_a_value_for_every_param_without_default() {
    let found = findings(&[("a.admit", b"param p: string"), ("tenants/acme.toml", b"")]);
    assert_eq!(found, ["A0911 tenants/acme.toml:0..0 the tenant `acme` gives no value for `p`"]);
}

#[test]
fn deep_toml_is_a_finding() {
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(!findings(&[("admit.toml", deep.as_bytes())]).is_empty());
}

#[test]
fn passkeys_are_bound_to_a_domain_and_its_own_origins() {
    let said = |id: &str, origin: &str| {
        let text = format!("[project]\nname = \"a\"\n[webauthn]\nrp_id = \"{id}\"\norigins = [\"{origin}\"]");
        findings(&[("admit.toml", text.as_bytes())])
    };
    for (id, origin) in [
        ("example.com", "https://example.com"),
        ("example.com", "https://login.example.com"),
        ("example.com", "https://a.b.example.com:8443"),
        ("login.example.co.uk", "https://login.example.co.uk"),
        ("localhost", "http://localhost"),
        ("localhost", "http://localhost:8080"),
        ("localhost", "https://localhost:8443"),
    ] {
        assert_eq!(said(id, origin), [""; 0], "{id} {origin}");
    }
    for (id, origin) in [
        ("com", "https://example.com"),
        ("github.io", "https://me.github.io"),
        ("Example.com", "https://Example.com"),
        ("example", "https://example"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("https://example.com", "https://example.com"),
        ("example.com:8443", "https://example.com:8443"),
        ("example.com", "https://example.com/"),
        ("example.com", "https://example.com:443"),
        ("example.com", "https://example.com:0"),
        ("example.com", "https://example.com:080"),
        ("example.com", "https://evilexample.com"),
        ("example.com", "https://example.com.evil.test"),
        ("example.com", "https://user@example.com"),
        ("example.com", "https://LOGIN.example.com"),
        ("login.example.com", "https://example.com"),
        ("localhost", "http://localhost:80"),
        ("localhost", "http://evil.localhost.test"),
        ("example.com", "*"),
        ("example.com", ""),
    ] {
        let found = said(id, origin);
        assert!(found.len() == 1 && found[0].starts_with("A0904 "), "{id} {origin}: {found:?}");
    }
}

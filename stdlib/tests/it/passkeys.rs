//! `webauthn_begin` and `webauthn_finish` against a SQLite file: T19 and T33.

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_host::Options;
use admit_runtime::block::{BlockError, Done};
use admit_runtime::host::{RelyingParty, StoreError};
use admit_runtime::unit::{Material, NewCredential, Unit, Write};
use serde_json::Value;

use crate::authenticator::Authenticator;
use crate::support::{Given, World, field, output, prompt, text, world_of};

/// A world whose alice has the passkey of an authenticator.
struct Passkeys {
    world: World,
    authenticator: Authenticator,
}

async fn passkeys(count: u32) -> Passkeys {
    let party = RelyingParty {
        id: "example.com".to_owned(),
        name: "Example".to_owned(),
        origins: vec!["https://example.com".to_owned()],
    };
    let world = world_of(Options { relying_party: Some(party), ..Options::default() }).await;
    let mut authenticator = Authenticator::new(1);
    authenticator.count = count;
    authenticator.handle = Some(b"usr_alice".to_vec());
    let passkey = authenticator.passkey();
    let new = NewCredential {
        id: "crd_passkey".to_owned(),
        user_id: "usr_alice".to_owned(),
        kind: "webauthn".to_owned(),
        material: Material::new(passkey.to_bytes()),
        data: Datum::Map(Vec::new()),
        counter: Some(i64::from(count)),
        external_id: Some(passkey.id),
    };
    let unit = Unit { writes: vec![Write::InsertCredential(Box::new(new))], ..Unit::default() };
    world.commit("run_setup", unit).await.unwrap();
    Passkeys { world, authenticator }
}

type Fields = Vec<(&'static str, Datum)>;

fn alice() -> Fields {
    vec![("user.id", text("usr_alice")), ("identifier", text("alice@cymmetri.com"))]
}

impl Passkeys {
    async fn call(
        &self,
        (block, run): (&str, &str),
        config: Fields,
        event: Fields,
        credential: Option<&Value>,
        unit: &mut Unit,
    ) -> Result<Done, BlockError> {
        let fields = credential.map(|credential| ("credential", json::from_json(credential))).into_iter().collect();
        let given = Given { config, event, fields, run: Some(run.to_owned()), at: 100, ..Given::default() };
        self.world.run(block, given, unit).await
    }

    /// Options, committed with the run that asked for them.
    async fn begin(&self, run: &str, wish: (&str, &str), event: Fields) -> Datum {
        let mut unit = Unit::default();
        let config = vec![("user_verification", text(wish.0)), ("resident_key", text(wish.1))];
        let begun = self.call(("webauthn_begin", run), config, event.clone(), None, &mut unit).await;
        let options = field(&output(begun), "options");
        let asked =
            self.call(("webauthn_finish", run), vec![("options", options.clone())], event, None, &mut unit).await;
        assert_eq!(prompt(asked).challenge.get("webauthn").and_then(|asked| asked.get("options")), Some(&options));
        // A run of its own: what is asked here is not how runs go on.
        self.world.commit(&format!("{run}_begun"), unit).await.unwrap();
        options
    }

    async fn finish(
        &self,
        run: &str,
        options: &Datum,
        event: Fields,
        credential: &Value,
    ) -> (admit_runtime::block::Output, Unit) {
        let mut unit = Unit::default();
        let config = vec![("options", options.clone())];
        let done = self.call(("webauthn_finish", run), config, event, Some(credential), &mut unit).await;
        (output(done), unit)
    }
}

fn is_verified(output: &admit_runtime::block::Output) -> bool {
    assert_eq!(output.user.is_some(), field(output, "verified") == Datum::Bool(true));
    field(output, "verified") == Datum::Bool(true)
}

fn audited(unit: &Unit) -> Vec<&str> {
    unit.audit.iter().map(|entry| entry.kind.as_str()).collect()
}

const REQUIRED: (&str, &str) = ("required", "preferred");

#[tokio::test]
async fn a_passkey_signs_in_once_for_each_challenge() {
    let mut passkeys = passkeys(5).await;
    let options = passkeys.begin("run_1", REQUIRED, alice()).await;
    let answer = passkeys.authenticator.get(&json::to_json(&options));
    let (shown, unit) = passkeys.finish("run_1", &options, alice(), &answer).await;
    assert!(is_verified(&shown));
    assert_eq!(field(&shown, "sign_count"), Datum::Int(6));
    assert_eq!(shown.sets[0], ("authentication.aal".to_owned(), text("aal2")));
    assert_eq!(shown.sets[1], ("authentication.methods".to_owned(), Datum::List(vec![text("webauthn")])));
    assert_eq!(audited(&unit), ["webauthn.verified"]);
    let again = unit.clone();
    passkeys.world.commit_at("run_1", unit, 101).await.unwrap();
    // T33: the same answer a second time, in whatever run.
    assert!(matches!(passkeys.world.commit_at("run_2", again, 102).await, Err(StoreError::Conflict)));
    let (replayed, _) = passkeys.finish("run_2", &options, alice(), &answer).await;
    assert!(!is_verified(&replayed), "its counter has been seen");
}

#[tokio::test]
async fn t33_a_challenge_is_used_once_without_a_counter_too() {
    let mut passkeys = passkeys(0).await;
    let options = passkeys.begin("run_1", REQUIRED, alice()).await;
    let answer = passkeys.authenticator.get(&json::to_json(&options));
    let (_, first) = passkeys.finish("run_1", &options, alice(), &answer).await;
    let (second, late) = passkeys.finish("run_1", &options, alice(), &answer).await;
    assert!(is_verified(&second), "two requests that race both find it right");
    passkeys.world.commit_at("run_1", first, 101).await.unwrap();
    assert!(
        matches!(passkeys.world.commit_at("run_2", late, 101).await, Err(StoreError::Conflict)),
        "one of them commits"
    );

    let options = passkeys.begin("run_3", REQUIRED, alice()).await;
    let answer = passkeys.authenticator.get(&json::to_json(&options));
    let (_, unit) = passkeys.finish("run_3", &options, alice(), &answer).await;
    assert!(passkeys.world.commit_at("run_3", unit, 100 + 301).await.is_err(), "after five minutes it is over");
}

#[tokio::test]
async fn t33_what_is_not_the_users_passkey_for_this_challenge_is_refused() {
    let mut passkeys = passkeys(0).await;
    let options = passkeys.begin("run_1", REQUIRED, alice()).await;
    let other_options = passkeys.begin("run_2", REQUIRED, alice()).await;
    let as_json = json::to_json(&options);
    let right = passkeys.authenticator.get(&as_json);
    let bend = |bend: &dyn Fn(&mut Authenticator)| {
        let mut other = Authenticator::new(1);
        other.handle = Some(b"usr_alice".to_vec());
        bend(&mut other);
        other.get(&as_json)
    };
    let bob = || vec![("user.id", text("usr_bob")), ("identifier", text("bob"))];
    for (case, options, event, answer) in [
        ("another challenge", &other_options, alice(), right.clone()),
        ("another user", &options, bob(), right.clone()),
        ("another origin", &options, alice(), bend(&|other| other.origin = "https://evil.example".to_owned())),
        ("another domain", &options, alice(), bend(&|other| other.rp_id = "evil.example".to_owned())),
        ("no verification", &options, alice(), bend(&|other| other.verifies = false)),
        ("another's handle", &options, alice(), bend(&|other| other.handle = Some(b"usr_bob".to_vec()))),
        ("a passkey that nobody has", &options, alice(), Authenticator::new(2).get(&as_json)),
        ("no credential", &options, alice(), Value::Null),
        ("something else", &options, alice(), serde_json::json!({"id": 1})),
        ("deep nesting", &options, alice(), serde_json::json!({"response": {"a": {"b": {"c": [[[[]]]]}}}})),
    ] {
        let (shown, unit) = passkeys.finish("run_1", options, event, &answer).await;
        assert!(!is_verified(&shown) && shown.sets.is_empty(), "{case}");
        assert_eq!(audited(&unit), ["webauthn.refused"], "{case}");
        assert!(unit.writes.iter().any(|write| matches!(write, Write::TakeChallenge { .. })), "{case}: it is used up");
    }
}

#[tokio::test]
async fn t33_a_counter_that_goes_back_is_refused_and_audited() {
    let mut passkeys = passkeys(9).await;
    for (count, is_right) in [(9, true), (3, false), (9, false), (20, true), (15, false)] {
        let run = format!("run_{count}_{is_right}");
        let options = passkeys.begin(&run, REQUIRED, alice()).await;
        passkeys.authenticator.count = count;
        let answer = passkeys.authenticator.get(&json::to_json(&options));
        let (shown, unit) = passkeys.finish(&run, &options, alice(), &answer).await;
        assert_eq!(is_verified(&shown), is_right, "{count}");
        let wanted = if is_right { "webauthn.verified" } else { "webauthn.counter_rollback" };
        assert_eq!(audited(&unit), [wanted]);
        passkeys.world.commit_at(&run, unit, 101).await.unwrap();
    }
}

#[tokio::test]
async fn without_verification_it_is_one_factor() {
    let mut passkeys = passkeys(0).await;
    passkeys.authenticator.verifies = false;
    let with_password = [
        alice(),
        vec![("authentication.methods", Datum::List(vec![text("password")])), ("authentication.aal", text("aal1"))],
    ]
    .concat();
    for (run, event, level) in [("run_1", alice(), "aal1"), ("run_2", with_password, "aal2")] {
        let options = passkeys.begin(run, ("preferred", "preferred"), event.clone()).await;
        let answer = passkeys.authenticator.get(&json::to_json(&options));
        let (shown, _) = passkeys.finish(run, &options, event, &answer).await;
        assert!(is_verified(&shown));
        assert_eq!(shown.sets[0], ("authentication.aal".to_owned(), text(level)));
    }
}

#[tokio::test]
async fn nobody_need_be_named_where_the_passkey_says_whose_it_is() {
    let mut passkeys = passkeys(0).await;
    let options = passkeys.begin("run_1", ("required", "required"), Vec::new()).await;
    let as_json = json::to_json(&options);
    assert_eq!(as_json["allowCredentials"], serde_json::json!([]));
    let answer = passkeys.authenticator.get(&as_json);
    let (shown, _) = passkeys.finish("run_1", &options, Vec::new(), &answer).await;
    assert!(is_verified(&shown));
    assert_eq!(shown.user.unwrap().get("id"), Some(&text("usr_alice")));
    for handle in [None, Some(b"usr_bob".to_vec())] {
        passkeys.authenticator.handle = handle;
        let answer = passkeys.authenticator.get(&as_json);
        let (shown, _) = passkeys.finish("run_1", &options, Vec::new(), &answer).await;
        assert!(!is_verified(&shown));
    }
}

#[tokio::test]
async fn t19_options_do_not_tell_who_has_an_account() {
    let passkeys = passkeys(0).await;
    let shape = |options: &Value| {
        let mut options = options.clone();
        options["challenge"] = Value::Null;
        for each in options["allowCredentials"].as_array_mut().unwrap() {
            each["id"] = Value::Null;
            each["transports"] = Value::Null;
        }
        options["allowCredentials"].as_array_mut().unwrap().truncate(1);
        options
    };
    let known = json::to_json(&passkeys.begin("run_1", REQUIRED, alice()).await);
    let mut seen = Vec::new();
    for (number, name) in ["nobody@cymmetri.com", "Nobody@Cymmetri.com ", "other@cymmetri.com"].into_iter().enumerate()
    {
        let run = format!("run_2{number}");
        let unknown = json::to_json(&passkeys.begin(&run, REQUIRED, vec![("identifier", text(name))]).await);
        assert_eq!(shape(&unknown), shape(&known), "{name}");
        seen.push(unknown["allowCredentials"].clone());
    }
    assert_eq!(seen[0], seen[1], "the same name has the same passkeys each time");
    assert_ne!(seen[0], seen[2]);
    // A user without a passkey looks as they did before they were a user.
    let before = json::to_json(&passkeys.begin("run_3", REQUIRED, vec![("identifier", text("bob"))]).await);
    let event = vec![("user.id", text("usr_bob")), ("identifier", text("bob"))];
    let bob = json::to_json(&passkeys.begin("run_4", REQUIRED, event).await);
    assert_eq!(before["allowCredentials"], bob["allowCredentials"]);
    // What was shown for nobody is nobody's: alice's passkey is not among it.
    let options = passkeys.begin("run_5", REQUIRED, vec![("identifier", text("nobody@cymmetri.com"))]).await;
    let mut authenticator = Authenticator::new(1);
    authenticator.handle = Some(b"usr_alice".to_vec());
    let answer = authenticator.get(&json::to_json(&options));
    let nobody = vec![("identifier", text("nobody@cymmetri.com"))];
    let (shown, _) = passkeys.finish("run_5", &options, nobody, &answer).await;
    assert!(!is_verified(&shown));
}

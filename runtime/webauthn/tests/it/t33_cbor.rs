//! T33: CBOR in any other form than the canonical one is refused, wherever in an attestation object or a key it stands.

use admit_webauthn::{PublicKey, Refusal};

use crate::support::{Soft, Tally, bytes, head, int, map, text, wide_head};

/// An item and how its head is bent.
#[derive(Clone)]
enum Tree {
    Int(i64),
    Bytes(Vec<u8>),
    Text(&'static str),
    Map(Vec<(Tree, Tree)>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bend {
    /// The number of the head in this many bytes, where fewer would do.
    Wide(usize),
    /// An indefinite length.
    Indefinite,
    /// A tag around it.
    Tagged,
    /// Entries of a map the other way round.
    Reversed,
    /// The first entry twice.
    Twice,
    /// One entry more than there are.
    Missing,
}

const BENDS: [Bend; 9] = [
    Bend::Wide(1),
    Bend::Wide(2),
    Bend::Wide(4),
    Bend::Wide(8),
    Bend::Indefinite,
    Bend::Tagged,
    Bend::Reversed,
    Bend::Twice,
    Bend::Missing,
];

/// Encodes, with the node of this number bent; none where the node cannot be bent so.
fn encode(tree: &Tree, number: &mut usize, bent: Option<(usize, Bend)>) -> Option<Vec<u8>> {
    let mine = *number;
    *number += 1;
    let bend = bent.and_then(|(at, bend)| (at == mine).then_some(bend));
    let head_of = |major: u8, value: u64| match bend {
        Some(Bend::Wide(width)) => (head(major, value).len() <= width).then(|| wide_head(major, value, width)),
        Some(Bend::Tagged) => Some([vec![0xc2], head(major, value)].concat()),
        Some(Bend::Missing) if major == 5 => Some(head(major, value + 1)),
        Some(Bend::Missing | Bend::Indefinite | Bend::Reversed | Bend::Twice) | None => Some(head(major, value)),
    };
    match (tree, bend) {
        (Tree::Map(_), _)
        | (_, None | Some(Bend::Wide(_) | Bend::Tagged))
        | (Tree::Bytes(_) | Tree::Text(_), Some(Bend::Indefinite)) => {}
        (_, Some(_)) => return None,
    }
    let whole = |major: u8, content: &[u8]| match bend {
        Some(Bend::Indefinite) => {
            Some([&[major << 5 | 31], head(major, content.len() as u64).as_slice(), content, &[0xff]].concat())
        }
        _ => Some([head_of(major, content.len() as u64)?, content.to_vec()].concat()),
    };
    match tree {
        Tree::Int(value) if *value < 0 => head_of(1, (-1 - value) as u64),
        Tree::Int(value) => head_of(0, *value as u64),
        Tree::Bytes(content) => whole(2, content),
        Tree::Text(content) => whole(3, content.as_bytes()),
        Tree::Map(entries) => {
            let mut parts = Vec::new();
            for (key, value) in entries {
                parts.push([encode(key, number, bent)?, encode(value, number, bent)?].concat());
            }
            match bend {
                Some(Bend::Indefinite) => return Some([vec![0xbf], parts.concat(), vec![0xff]].concat()),
                Some(Bend::Reversed) if parts.len() > 1 => parts.reverse(),
                Some(Bend::Twice) if !parts.is_empty() => parts.insert(0, parts[0].clone()),
                Some(Bend::Reversed | Bend::Twice) => return None,
                Some(_) | None => {}
            }
            let length = head_of(5, parts.len() as u64)?;
            Some([length, parts.concat()].concat())
        }
    }
}

/// Every node bent in every way that it can be.
fn bendings(tree: &Tree) -> Vec<(String, Vec<u8>)> {
    let mut nodes = 0;
    encode(tree, &mut nodes, None).unwrap();
    let mut found = Vec::new();
    for node in 0..nodes {
        for bend in BENDS {
            if let Some(bytes) = encode(tree, &mut 0, Some((node, bend))) {
                found.push((format!("node {node} {bend:?}"), bytes));
            }
        }
    }
    found
}

#[test]
fn t33_keys_in_another_form_are_refused() {
    let soft = Soft::new();
    let point: Vec<u8> = soft.cose().iter().skip(3).flat_map(|(_, value)| value[2..].to_vec()).collect();
    let tree = Tree::Map(vec![
        (Tree::Int(1), Tree::Int(2)),
        (Tree::Int(3), Tree::Int(-7)),
        (Tree::Int(-1), Tree::Int(1)),
        (Tree::Int(-2), Tree::Bytes(point[..32].to_vec())),
        (Tree::Int(-3), Tree::Bytes(point[32..].to_vec())),
    ]);
    let plain = encode(&tree, &mut 0, None).unwrap();
    assert_eq!(plain, map(&soft.cose()));
    assert!(PublicKey::read(&plain).is_ok());
    let mut tally = Tally::default();
    for (case, bytes) in bendings(&tree) {
        tally.refused("CBOR form", &case, PublicKey::read(&bytes), |why| matches!(why, Refusal::Cbor(_)));
        // In its place within the authenticator data.
        let mut create = soft.create();
        create.key = bytes;
        let result = soft.register(&create);
        let is_right = |why: &Refusal| matches!(why, Refusal::Cbor(_) | Refusal::AuthenticatorData(_));
        tally.refused("CBOR form", &case, result, is_right);
    }
    for end in 0..plain.len() {
        tally.refused("cut off", &end, PublicKey::read(&plain[..end]), |why| matches!(why, Refusal::Cbor(_)));
        let more = [plain.as_slice(), &vec![0; end + 1]].concat();
        tally.refused("trailing bytes", &end, PublicKey::read(&more), |why| matches!(why, Refusal::Cbor(_)));
    }
    tally.finish("keys", &["CBOR form", "cut off", "trailing bytes"]);
}

#[test]
fn t33_attestation_objects_in_another_form_are_refused() {
    let soft = Soft::new();
    let mut tally = Tally::default();
    // The object is made by a plain function, so each case is found again by its number.
    for number in 0.. {
        NUMBER.set(number);
        let mut create = soft.create();
        create.object = nth;
        let result = soft.register(&create);
        if END.get() {
            break;
        }
        tally.refused("CBOR form", &number, result, |why| matches!(why, Refusal::Cbor(_)));
    }
    for end in 0..40 {
        let mut create = soft.create();
        NUMBER.set(end);
        create.object = |data, _| {
            let whole = encode(&object(data), &mut 0, None).unwrap();
            whole[..whole.len() - 1 - NUMBER.get()].to_vec()
        };
        tally.refused("cut off", &end, soft.register(&create), |why| matches!(why, Refusal::Cbor(_)));
        create.object = |data, _| {
            let whole = encode(&object(data), &mut 0, None).unwrap();
            [whole, vec![0xf6; NUMBER.get() + 1]].concat()
        };
        tally.refused("trailing bytes", &end, soft.register(&create), |why| matches!(why, Refusal::Cbor(_)));
    }
    tally.finish("attestation objects", &["CBOR form", "cut off", "trailing bytes"]);
}

thread_local! {
    static NUMBER: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    static END: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn object(data: &[u8]) -> Tree {
    Tree::Map(vec![
        (Tree::Text("fmt"), Tree::Text("none")),
        (Tree::Text("attStmt"), Tree::Map(Vec::new())),
        (Tree::Text("authData"), Tree::Bytes(data.to_vec())),
    ])
}

fn nth(data: &[u8], _: &[u8]) -> Vec<u8> {
    match bendings(&object(data)).into_iter().nth(NUMBER.get()) {
        Some((_, bytes)) => bytes,
        None => {
            END.set(true);
            Vec::new()
        }
    }
}

#[test]
fn t33_what_has_no_place_in_it_is_refused() {
    for (case, bytes) in [
        ("a float", vec![0xf9, 0, 0]),
        ("undefined", vec![0xf7]),
        ("a simple value", vec![0xf8, 0xff]),
        ("a break", vec![0xff]),
        ("a reserved head", vec![0x1c]),
        ("a number over 63 bits", [vec![0x1b], vec![0xff; 8]].concat()),
        ("a length that lies", [vec![0x5b], vec![0x7f; 8]].concat()),
        ("a count that lies", [vec![0x9b], vec![0x7f; 8]].concat()),
        ("a text that is not UTF-8", vec![0x61, 0xff]),
        ("a key that is a list", vec![0xa1, 0x80, 0]),
        ("a key that is bytes", [vec![0xa1], bytes(b"x"), int(1)].concat()),
        ("keys out of order by length", map(&[(text("bb"), int(1)), (text("a"), int(1))])),
        ("texts before numbers", map(&[(text("a"), int(1)), (int(1), int(1))])),
        ("negative before positive", map(&[(int(-1), int(1)), (int(1), int(1))])),
        ("five levels", vec![0x81, 0x81, 0x81, 0x81, 0x80]),
        ("a thousand levels", vec![0x81; 1000]),
        ("nothing", Vec::new()),
    ] {
        assert!(matches!(PublicKey::read(&bytes), Err(Refusal::Cbor(_))), "{case}: {:?}", PublicKey::read(&bytes));
    }
}

//! Compared with a library: what we read, it reads alike; what it reads and we refuse, is not what it would write.

use ciborium::Value;

use super::Item;

fn same(item: &Item<'_>, value: &Value) -> bool {
    match (item, value) {
        (Item::Int(one), Value::Integer(other)) => i128::from(*one) == i128::from(*other),
        (Item::Bytes(one), Value::Bytes(other)) => one == other,
        (Item::Text(one), Value::Text(other)) => one == other,
        (Item::Bool(one), Value::Bool(other)) => one == other,
        (Item::Null, Value::Null) => true,
        (Item::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Item::Map(one), Value::Map(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| same(&one.0, &other.0) && same(&one.1, &other.1))
        }
        _ => false,
    }
}

#[test]
fn what_is_read_a_library_reads_alike() {
    // A small generator of numbers (xorshift), so that the test is the same each time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let (mut read, mut refused) = (0, 0);
    for _ in 0..200_000 {
        let length = next() % 12 + 1;
        let heads =
            [0x00, 0x01, 0x17, 0x18, 0x20, 0x38, 0x41, 0x42, 0x61, 0x80, 0x81, 0x82, 0xa0, 0xa1, 0xa2, 0xf4, 0xf6];
        let bytes: Vec<u8> = (0..length)
            .map(|_| if next() % 4 == 0 { (next() & 0xff) as u8 } else { heads[(next() % 17) as usize] })
            .collect();
        let library: Result<Value, _> = ciborium::from_reader(bytes.as_slice());
        match Item::read_first(&bytes) {
            Ok((item, rest)) => {
                let value = library.unwrap_or_else(|error| panic!("{bytes:02x?}: {error}"));
                assert!(same(&item, &value), "{bytes:02x?}: {item:?} {value:?}");
                let mut written = Vec::new();
                ciborium::into_writer(&value, &mut written).unwrap();
                assert_eq!(written, bytes[..bytes.len() - rest.len()], "one spelling");
                read += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(read > 10_000 && refused > 10_000, "{read} {refused}");
}

//! What code a worker holds. Host and worker keep the same books by the same rule, so neither has to ask: what was used
//! longest ago goes first when all together grow too large.

/// Code that a worker holds of all Actions together, in bytes.
pub const MOST_CODE: usize = 1 << 20;
/// What an entry counts besides its text, in bytes.
const ENTRY: usize = 512;

/// Code by hash; the host keeps nothing (`()`) but the books.
#[derive(Debug)]
pub struct Codes<T> {
    /// The one used last at the end.
    entries: Vec<Entry<T>>,
    size: usize,
}

#[derive(Debug)]
struct Entry<T> {
    hash: [u8; 32],
    size: usize,
    kept: T,
}

impl<T> Default for Codes<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), size: 0 }
    }
}

impl<T> Codes<T> {
    /// What is kept under this hash, which is now the one used last.
    pub fn get(&mut self, hash: &[u8; 32]) -> Option<&mut T> {
        let place = self.entries.iter().rposition(|entry| entry.hash == *hash)?;
        self.entries.get_mut(place..)?.rotate_left(1);
        self.entries.last_mut().map(|entry| &mut entry.kept)
    }

    /// Keeps code of so many bytes; others go until there is room. The newest stays, whatever its size.
    pub fn insert(&mut self, hash: [u8; 32], size: usize, kept: T) {
        let size = size.saturating_add(ENTRY);
        if let Some(place) = self.entries.iter().position(|entry| entry.hash == hash) {
            self.size -= self.entries.remove(place).size;
        }
        let mut going = 0;
        for entry in &self.entries {
            if self.size.saturating_add(size) <= MOST_CODE {
                break;
            }
            self.size -= entry.size;
            going += 1;
        }
        self.entries.drain(..going);
        self.size = self.size.saturating_add(size);
        self.entries.push(Entry { hash, size, kept });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut codes = Codes::default();
        let quarter = MOST_CODE / 4 - ENTRY;
        for name in 0..4 {
            codes.insert([name; 32], quarter, name);
        }
        assert_eq!(codes.get(&[0; 32]), Some(&mut 0));
        codes.insert([4; 32], quarter, 4);
        let held = |codes: &mut Codes<u8>| (0..6).filter(|name| codes.get(&[*name; 32]).is_some()).collect::<Vec<_>>();
        assert_eq!(held(&mut codes), [0, 2, 3, 4]);
        codes.insert([5; 32], 2 * MOST_CODE, 5);
        assert_eq!(held(&mut codes), [5], "the newest stays");
        codes.insert([5; 32], 10, 6);
        assert_eq!(codes.get(&[5; 32]), Some(&mut 6));
        assert_eq!(codes.size, 10 + ENTRY);
    }
}

//! Pages of listings: newest first, `limit` of them, and a cursor to where the next page begins. The same for every listing.
//!
//! A cursor says after which entry its page begins, so what is added or goes away meanwhile neither repeats nor hides an entry.
//! Callers take it as it is: it is written so that nobody is tempted to make one.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;

/// The most entries of a page, and as many as it has where the caller does not say.
const MOST: u32 = 100;
const USUAL: u32 = 50;

/// The place of an entry in its listing.
pub trait Place: Sized {
    /// As text.
    fn write(&self) -> String;

    /// From text.
    fn read(text: &str) -> Option<Self>;
}

/// By number.
impl Place for u64 {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// By time in microseconds, and by id where times are equal.
impl Place for (i64, String) {
    fn write(&self) -> String {
        format!("{}.{}", self.0, self.1)
    }

    fn read(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        Some((i64::from_str(at).ok()?, id.to_owned()))
    }
}

/// By name.
impl Place for String {
    fn write(&self) -> String {
        format!("={self}")
    }

    fn read(text: &str) -> Option<Self> {
        text.strip_prefix('=').map(ToOwned::to_owned)
    }
}

/// The query of a listing that asks for nothing but its page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Most entries of the page; 50 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl Listing {
    /// As [`Page::of`].
    pub fn page<P: Place>(&self) -> Result<Page<P>, Problem> {
        Page::of(self.limit, self.cursor.as_deref())
    }
}

/// Which page of a listing is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<P> {
    /// It begins after this entry; none: with the first.
    pub after: Option<P>,
    limit: u32,
}

impl<P: Place> Page<P> {
    /// Reads `limit` and `cursor` of a query.
    ///
    /// # Errors
    /// `limit` is none of 1 to 100, or the cursor is none of this listing.
    pub fn of(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(USUAL);
        if limit == 0 || limit > MOST {
            return Err(Problem::bad("bad_query", format!("`limit` is 1 to {MOST}")));
        }
        let read = |cursor: &str| {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
            P::read(&text)
        };
        let after = match cursor {
            Some(cursor) => Some(read(cursor).ok_or_else(|| {
                Problem::bad("bad_cursor", "take `cursor` from `next_cursor` of a page of this listing as it is")
            })?),
            None => None,
        };
        Ok(Self { after, limit })
    }

    /// How many entries to ask of the store: one more than the page has, to see whether another page follows.
    pub fn ask(&self) -> u32 {
        self.limit.saturating_add(1)
    }

    /// Takes off what is beyond the page, and gives the cursor of the next one.
    pub fn cut<T>(&self, entries: &mut Vec<T>, place: impl Fn(&T) -> P) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if entries.len() <= limit {
            return None;
        }
        entries.truncate(limit);
        entries.last().map(|last| URL_SAFE_NO_PAD.encode(place(last).write()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gaps_and_end() {
        let all: Vec<u64> = (1..=7).rev().collect();
        let mut cursor: Option<String> = None;
        let mut seen = Vec::new();
        loop {
            let page = Page::<u64>::of(Some(3), cursor.as_deref()).unwrap();
            let rest = all.iter().copied().filter(|seq| page.after.is_none_or(|after| *seq < after));
            let mut entries: Vec<u64> = rest.take(page.ask() as usize).collect();
            cursor = page.cut(&mut entries, |seq| *seq);
            seen.push(entries);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, [vec![7, 6, 5], vec![4, 3, 2], vec![1]]);
    }

    #[test]
    fn what_no_page_gave_is_refused() {
        for cursor in ["", "x", "7", "====", "Ny5ydW5fMQ"] {
            assert!(Page::<u64>::of(None, Some(cursor)).is_err(), "{cursor}");
        }
        let places = [(1_i64, "run_1".to_owned()), (-5, "a.b".to_owned())];
        assert!(places.iter().all(|place| Place::read(&place.write()).as_ref() == Some(place)));
        assert_eq!(String::read(&"acme".to_owned().write()).as_deref(), Some("acme"));
        for limit in [0, 101, u32::MAX] {
            assert!(Page::<u64>::of(Some(limit), None).is_err(), "{limit}");
        }
    }
}

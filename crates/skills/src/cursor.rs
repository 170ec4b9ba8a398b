//! Pages of lists, and the cursors between them (PAG-1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latimer_protocol::RawJson;

/// The most entries of a page.
const MOST_ENTRIES: usize = 256;

/// The most bytes of a page, if more than one entry fits.
const MOST_BYTES: usize = 256 << 10;

/// Entries in the order of their keys, each as JSON.
pub(crate) type List = Vec<(String, RawJson)>;

/// A part of a list.
pub(crate) struct Page<'a> {
    pub(crate) entries: &'a [(String, RawJson)],
    pub(crate) next: Option<String>,
}

/// The page behind a cursor, which names the last entry of the page before it; `None` where it is a cursor of another
/// list, or none at all. Entries are whole.
pub(crate) fn page<'a>(list: &'a List, of: &str, cursor: Option<&str>) -> Option<Page<'a>> {
    let from = match cursor {
        None => 0,
        Some(cursor) => {
            let last = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
            let last = last.strip_prefix(of)?.strip_prefix('\n')?;
            list.partition_point(|(key, _)| key.as_str() <= last)
        }
    };
    let mut to = from;
    let mut bytes = 0;
    while let Some((_, json)) = list.get(to) {
        bytes += json.as_str().len();
        if to > from && (bytes > MOST_BYTES || to - from == MOST_ENTRIES) {
            break;
        }
        to += 1;
    }
    let next = (from < to && to < list.len()).then(|| {
        let last = &list[to - 1].0;
        URL_SAFE_NO_PAD.encode(format!("{of}\n{last}"))
    });
    Some(Page { entries: &list[from..to], next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: usize, bytes: usize) -> List {
        let json = |_| RawJson::from_serialize(&"x".repeat(bytes)).unwrap();
        (0..entries).map(|at| (format!("{at:05}"), json(at))).collect()
    }

    fn walk(list: &List) -> Vec<usize> {
        let mut pages = Vec::new();
        let mut cursor = None;
        loop {
            let page = page(list, "skills", cursor.as_deref()).unwrap();
            pages.push(page.entries.len());
            match page.next {
                Some(next) => cursor = Some(next),
                None => return pages,
            }
        }
    }

    #[test]
    fn pag_1_pages_are_bounded_in_entries_and_bytes() {
        assert_eq!(walk(&list(0, 1)), [0]);
        assert_eq!(walk(&list(600, 1)), [256, 256, 88]);
        assert_eq!(walk(&list(5, 100 << 10)), [2, 2, 1]);
        assert_eq!(walk(&list(3, 300 << 10)), [1, 1, 1]);
    }

    #[test]
    fn pag_1_foreign_cursors_are_none() {
        let list = list(600, 1);
        let other = page(&list, "skill://a", None).unwrap().next.unwrap();
        assert!(page(&list, "skill://a", Some(&other)).is_some());
        for cursor in [other.as_str(), "", "!", "c2tpbGxz"] {
            assert!(page(&list, "skills", Some(cursor)).is_none(), "{cursor}");
        }
    }
}

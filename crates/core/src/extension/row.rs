//! The rows of methods that come and go at run time.
//!
//! A row lives as long as the process, as those of the protocol itself do, so that a request names its method by a
//! plain reference whoever brought it. The same row is made only once, and there is an end to how many are made: an
//! upstream that thinks up new methods whenever it is reloaded is refused in the end, not paid for.

use latimer_protocol::Method;
use latimer_protocol::Revision;
use latimer_protocol::method::{Direction, Kind};
use parking_lot::Mutex;

use super::definition::ExtensionMethod;

/// How many rows a process makes.
const MOST_ROWS: usize = 1024;

static ROWS: Mutex<Vec<&'static Method>> = Mutex::new(Vec::new());

/// Why there is no row for a method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RowError {
    #[error("the method name \"{0}\" is empty, too long, or holds other than visible ASCII characters")]
    Name(String),
    #[error("the method \"{0}\" belongs to the protocol itself; an extension cannot take it")]
    Taken(String),
    #[error("the method \"{0}\" is one too many: this process has had {MOST_ROWS} methods of extensions")]
    TooMany(String),
}

/// The row of an extension's method.
pub(crate) fn row(method: &ExtensionMethod) -> Result<&'static Method, RowError> {
    let name = method.name.as_str();
    if name.is_empty() || name.len() > 128 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(RowError::Name(name.chars().take(128).collect()));
    }
    if Method::named(name).is_some() || name.starts_with("notifications/") || name.starts_with("rpc.") {
        return Err(RowError::Taken(name.to_owned()));
    }
    let mut rows = ROWS.lock();
    let same = |row: &&&'static Method| {
        row.name == name && row.name_param == method.name_param && row.cacheable == method.cacheable
    };
    if let Some(row) = rows.iter().find(same) {
        return Ok(row);
    }
    if rows.len() >= MOST_ROWS {
        return Err(RowError::TooMany(name.to_owned()));
    }
    let row: &'static Method = Box::leak(Box::new(Method {
        name: Box::leak(Box::from(name)),
        kind: Kind::Request,
        direction: Direction::ToServer,
        since: Revision::V2025_11_25,
        until: Revision::LATEST_MODERN,
        capability: None,
        name_param: method.name_param,
        cacheable: method.cacheable,
    }));
    rows.push(row);
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_row_is_made_once() {
        let method = ExtensionMethod::new("row/once").cacheable();
        let first = row(&method).unwrap();
        assert!(std::ptr::eq(first, row(&method).unwrap()));
        assert!(!std::ptr::eq(first, row(&ExtensionMethod::new("row/once")).unwrap()));
        assert!(first.is_in(Revision::V2025_11_25) && !first.is_in(Revision::V2025_06_18));
    }

    #[test]
    fn names_of_the_protocol_and_what_is_no_name_are_refused() {
        for taken in ["tools/call", "tasks/get", "notifications/receipts", "rpc.discover"] {
            assert_eq!(row(&ExtensionMethod::new(taken)), Err(RowError::Taken(taken.to_owned())));
        }
        for bad in ["", "a b", "é", "a\n", &"x".repeat(129)] {
            assert!(matches!(row(&ExtensionMethod::new(bad)), Err(RowError::Name(_))), "{bad:?}");
        }
    }
}

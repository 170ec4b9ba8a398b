//! `data:` URIs (RFC 2397).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Why a URI has no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DataError {
    #[error("data is a data: URI, such as data:text/plain,hello; this server fetches nothing")]
    Scheme,
    #[error("a data: URI has a comma before its data")]
    Comma,
    #[error("the data of the URI is not base64")]
    Base64,
}

/// The data of a URI.
///
/// # Errors
/// When it is no `data:` URI.
pub(crate) fn read(uri: &str) -> Result<Vec<u8>, DataError> {
    let scheme = uri.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:"));
    let rest = scheme.map(|_| &uri[5..]).ok_or(DataError::Scheme)?;
    let (kind, data) = rest.split_once(',').ok_or(DataError::Comma)?;
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(data).collect();
    let is_base64 = kind.rsplit(';').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"));
    // Without a semicolon it is the media type.
    if is_base64 && kind.contains(';') {
        return STANDARD.decode(bytes).map_err(|_| DataError::Base64);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_read_as_it_is_written() {
        assert_eq!(read("data:,hello%20world").unwrap(), b"hello world");
        assert_eq!(read("data:text/plain;charset=utf-8,a,b").unwrap(), b"a,b");
        assert_eq!(read("DATA:text/plain;base64,aGVsbG8=").unwrap(), b"hello");
        assert_eq!(read("data:base64,aGVsbG8=").unwrap(), b"aGVsbG8=");
        assert_eq!(read("data:;base64,***"), Err(DataError::Base64));
        assert_eq!(read("data:text/plain"), Err(DataError::Comma));
        for other in ["http://a.example/", "https://169.254.169.254/", "file:///etc/passwd", "", "dätä:,"] {
            assert_eq!(read(other), Err(DataError::Scheme), "{other}");
        }
    }
}

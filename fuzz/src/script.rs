//! What stands above the input proper: settings that fuzzers change along with it.

use bytes::Bytes;

/// Small numbers in the first line, separated by blanks, and the bytes behind it.
///
/// Where the first line holds anything else there are no numbers, and everything is the input.
pub(crate) fn numbers(data: &[u8]) -> (Vec<usize>, &[u8]) {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else { return (Vec::new(), data) };
    let line = std::str::from_utf8(&data[..end]).ok();
    let numbers: Option<Vec<usize>> =
        line.map(str::split_ascii_whitespace).and_then(|words| words.map(|word| word.parse().ok()).collect());
    numbers.map_or((Vec::new(), data), |numbers| (numbers, &data[end + 1..]))
}

/// Cuts bytes into chunks of these lengths, over and over. Lengths of 0 count as 1.
pub(crate) fn chunks(bytes: &[u8], lengths: &[usize]) -> Vec<Bytes> {
    let mut rest = Bytes::copy_from_slice(bytes);
    let mut chunks = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        chunks.push(rest.split_to((*length).clamp(1, rest.len())));
    }
    chunks
}

/// Parts that stand between lines of three hyphens; missing ones are empty.
pub(crate) fn parts<const N: usize>(text: &str) -> [&str; N] {
    let mut parts = text.splitn(N, "\n---\n");
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_of_numbers_is_taken_off() {
        assert_eq!(numbers(b"8 1 2\nabc\n"), (vec![8, 1, 2], &b"abc\n"[..]));
        assert_eq!(numbers(b"8 x\nabc"), (vec![], &b"8 x\nabc"[..]));
        assert_eq!(numbers(b"8"), (vec![], &b"8"[..]));
    }

    #[test]
    fn chunks_are_the_bytes() {
        assert_eq!(chunks(b"abcdef", &[1, 0, 3]), [&b"a"[..], b"b", b"cde", b"f"]);
        assert!(chunks(b"", &[1]).is_empty());
    }

    #[test]
    fn parts_stand_between_hyphens() {
        assert_eq!(parts("a\n---\nb\nc"), ["a", "b\nc", ""]);
    }
}

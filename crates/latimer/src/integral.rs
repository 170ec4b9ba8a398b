//! Integers that are written with a fraction or an exponent.

/// `json` with `2.0`, `2e0` and `-0` written as `2`, `2` and `0` wherever they stand; nothing if there are
/// none of them.
///
/// For JSON Schema they are integers, for the reader of a Rust integer they are not. Numbers that fit neither
/// `u64` nor `i64` stay as they are. `json` is well-formed.
pub(crate) fn respelled(json: &str) -> Option<String> {
    let (mut out, mut kept) = (String::new(), 0);
    let mut rest = json;
    while let Some(found) = rest.find(|c: char| matches!(c, '"' | '-' | '0'..='9')) {
        rest = rest.get(found..)?;
        if rest.starts_with('"') {
            rest = rest.get(string_length(rest)..)?;
            continue;
        }
        let start = json.len() - rest.len();
        let is_end = |c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E');
        let (number, after) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
        rest = after;
        if let Some(integer) = integer(number) {
            out.push_str(json.get(kept..start)?);
            out.push_str(&integer);
            kept = start + number.len();
        }
    }
    if kept == 0 {
        return None;
    }
    out.push_str(json.get(kept..)?);
    Some(out)
}

/// The length of the string that `json` begins with, quotation marks included.
pub(crate) fn string_length(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

/// The plain spelling of an integer that is written in another way.
fn integer(number: &str) -> Option<String> {
    if number != "-0" && !number.contains(['.', 'e', 'E']) {
        return None;
    }
    let (sign, unsigned) = number.strip_prefix('-').map_or(("", number), |unsigned| ("-", unsigned));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let trailing = all.len() - all.trim_end_matches('0').len();
    // How many zeros follow the significant digits.
    let shift = i64::try_from(trailing).ok()? - i64::try_from(fraction.len()).ok()?;
    let zeros = usize::try_from(exponent.parse::<i64>().ok()?.checked_add(shift)?).ok()?;
    if significant.len().checked_add(zeros)? > LONGEST {
        return None;
    }
    let plain = format!("{sign}{significant}{}", "0".repeat(zeros));
    (plain.parse::<u64>().is_ok() || plain.parse::<i64>().is_ok()).then_some(plain)
}

/// The digits of the largest `u64`.
const LONGEST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_get_their_plain_spelling() {
        for (number, plain) in [
            ("2.0", "2"),
            ("2e0", "2"),
            ("-2.50E+1", "-25"),
            ("1200e-2", "12"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("0e99999999999999999999", "0"),
            ("9007199254740993.0", "9007199254740993"),
            ("1.8446744073709551615e19", "18446744073709551615"),
            ("-9223372036854775808.0", "-9223372036854775808"),
        ] {
            assert_eq!(respelled(number).as_deref(), Some(plain), "{number}");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for json in [
            "2",
            "-20",
            "2.5",
            "1e-1",
            "1e20",
            "18446744073709551616.0",
            "-9223372036854775809.0",
            "1e9223372036854775807",
            r#"{"2.0":"\"2.0","a\\":[null,true]}"#,
        ] {
            assert_eq!(respelled(json), None, "{json}");
        }
    }

    #[test]
    fn numbers_are_found_between_names_and_strings() {
        assert_eq!(
            respelled(r#"{ "é\\" : [ 1.0 , -3e1,2.5 ], "1.0": "\"2.0\"", "b":4.00 }"#).unwrap(),
            r#"{ "é\\" : [ 1 , -30,2.5 ], "1.0": "\"2.0\"", "b":4 }"#
        );
    }
}

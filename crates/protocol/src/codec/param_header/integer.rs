//! Integers as JSON writes them: `42`, `42.0` and `4.2e1` are one number.

use super::ArgumentError;

/// 2^53−1: beyond it not every reader of JSON keeps an integer.
const MAX: i64 = 9_007_199_254_740_991;

/// Reads a JSON number exactly, without going through floating point.
///
/// # Errors
/// [`ArgumentError::Type`] when it is no number or has a fraction, [`ArgumentError::Range`] beyond ±(2^53−1).
pub(super) fn parse(text: &str) -> Result<i64, ArgumentError> {
    let (sign, magnitude) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (mantissa, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    if !is_digits(whole)
        || !is_digits(fraction)
        || !is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
    {
        return Err(ArgumentError::Type);
    }
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().all(|digit| digit == b'0') {
        return Ok(0);
    }
    // Where the decimal point comes to stand. An exponent beyond `i64` leaves no integer within the range.
    let exponent: i64 = match exponent.parse() {
        Ok(exponent) => exponent,
        Err(_) if exponent.starts_with('-') => return Err(ArgumentError::Type),
        Err(_) => return Err(ArgumentError::Range),
    };
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent);
    let mut value: i64 = 0;
    let mut place: i64 = 0;
    for digit in digits() {
        if place < point {
            value = value.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
        } else if digit != b'0' {
            return Err(ArgumentError::Type);
        }
        place += 1;
    }
    while place < point && value <= MAX {
        value = value.saturating_mul(10);
        place += 1;
    }
    if value > MAX { Err(ArgumentError::Range) } else { Ok(sign * value) }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_many_spellings() {
        for text in ["42", "42.0", "4.2e1", "420E-1", "0.0042e+4", "42.000"] {
            assert_eq!(parse(text), Ok(42), "{text}");
        }
        for text in ["0", "-0", "0.0", "0e99999999999999999999", "0.000e-5"] {
            assert_eq!(parse(text), Ok(0), "{text}");
        }
        assert_eq!(parse("-9007199254740991"), Ok(-MAX));
        assert_eq!(parse("9007199254740991.0"), Ok(MAX));
    }

    #[test]
    fn fractions_and_other_text_are_no_integers() {
        for text in [
            "1.5",
            "9007199254740991.4",
            "1e-1",
            "",
            "-",
            "+1",
            " 1",
            "0x1",
            "1.",
            ".5",
            "1e",
            "true",
            "1e-99999999999999999999",
        ] {
            assert_eq!(parse(text), Err(ArgumentError::Type), "{text}");
        }
    }

    #[test]
    fn integers_beyond_the_safe_range_are_refused_in_short_time() {
        for text in [
            "9007199254740992",
            "1e16",
            "1e999999999",
            "-1e99999999999999999999",
            "123456789012345678901234567890",
        ] {
            assert_eq!(parse(text), Err(ArgumentError::Range), "{text}");
        }
    }
}

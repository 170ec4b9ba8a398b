//! JSON numbers compared by value, at any size and in any spelling.

use std::borrow::Cow;

use jsonschema::json::JsonNumber;
use serde_json::Number;

/// A number of an instance, read from its text.
///
/// It is never put into a type that cannot hold it: `9007199254740993` differs from `9007199254740992`, and `1.0`,
/// `10e-1` and `1` are one integer.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextNumber<'a>(pub(super) &'a str);

impl<'a> TextNumber<'a> {
    /// The one spelling of this value.
    pub(super) fn decimal(self) -> Decimal<'a> {
        Decimal::parse(self.0)
    }

    /// The value, if it fits into an `u64` or an `i64`.
    fn as_integer(self) -> Option<i128> {
        self.as_u64().map(i128::from).or_else(|| self.as_i64().map(i128::from))
    }

    /// Equality with a number of the schema, which `serde_json` has read already: exact for its integers; to the
    /// precision of a double for what it holds as one.
    pub(super) fn equals(self, expected: &Number) -> bool {
        if let Some(expected) = expected.as_u64() {
            self.as_u64() == Some(expected)
        } else if let Some(expected) = expected.as_i64() {
            self.as_i64() == Some(expected)
        } else if let (Some(integer), Some(expected)) = (self.as_integer(), expected.as_f64()) {
            // A double past 2^53 stands for itself alone, not for the integers that would be rounded to it.
            expected.fract() == 0.0 && expected.abs() < 1e20 && expected as i128 == integer
        } else {
            self.as_f64() == expected.as_f64()
        }
    }
}

impl JsonNumber for TextNumber<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok().or_else(|| u64::try_from(self.decimal().integer()?).ok())
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok().or_else(|| i64::try_from(self.decimal().integer()?).ok())
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, Number> {
        let number = if let Some(number) = self.as_u64() {
            Number::from(number)
        } else if let Some(number) = self.as_i64() {
            Number::from(number)
        } else {
            let bound = if self.0.starts_with('-') { f64::MIN } else { f64::MAX };
            Number::from_f64(self.as_f64().unwrap_or(bound)).unwrap_or(Number::from(0))
        };
        Cow::Owned(number)
    }

    fn is_integer(&self) -> bool {
        is_written_as_integer(self.0) || self.decimal().exponent >= 0
    }

    fn is_written_as_integer(&self) -> bool {
        is_written_as_integer(self.0)
    }
}

fn is_written_as_integer(text: &str) -> bool {
    !text.contains(['.', 'e', 'E'])
}

/// A decimal number in normal form: a whole number without zeros at either end, times ten to a power.
///
/// Two numbers are equal exactly if their normal forms are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal<'a> {
    negative: bool,
    /// The significant digits; a decimal point may still stand among them.
    digits: &'a str,
    /// The power of ten of the last digit. Powers past an `i64` are held at its ends.
    exponent: i64,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let power = power.parse().unwrap_or(if power.starts_with('-') { i64::MIN } else { i64::MAX });
        let point = mantissa.find('.').unwrap_or(mantissa.len());

        let digits = mantissa.trim_start_matches(['0', '.']).trim_end_matches(['0', '.']);
        if digits.is_empty() {
            return Self { negative: false, digits: "", exponent: 0 };
        }
        // Where the last significant digit ends within the mantissa, and so how far from the point it stands.
        let end = mantissa.trim_end_matches(['0', '.']).len();
        let scale = if end <= point { point as i64 - end as i64 } else { -((end - point - 1) as i64) };
        Self { negative, digits, exponent: power.saturating_add(scale) }
    }

    /// The digits without the point.
    pub(super) fn significant(self) -> impl Iterator<Item = u8> + 'a {
        self.digits.bytes().filter(|byte| *byte != b'.')
    }

    /// Sign and power, which beside the digits make up the value.
    pub(super) fn scale(self) -> (bool, i64) {
        (self.negative, self.exponent)
    }

    /// The value as an integer, if it is one of fewer than 39 digits.
    fn integer(self) -> Option<i128> {
        let power = u32::try_from(self.exponent).ok()?;
        let digits = self.significant().try_fold(0_i128, |sum, digit| {
            sum.checked_mul(10)?.checked_add(i128::from(digit.wrapping_sub(b'0')))
        })?;
        let value = digits.checked_mul(10_i128.checked_pow(power)?)?;
        Some(if self.negative { -value } else { value })
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.scale() == other.scale() && self.significant().eq(other.significant())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> TextNumber<'_> {
        TextNumber(text)
    }

    #[test]
    fn one_value_has_one_normal_form() {
        for (left, right) in [
            ("1", "1.0"),
            ("1", "10e-1"),
            ("1", "0.1e1"),
            ("100", "1e2"),
            ("100.00", "1E+2"),
            ("0", "-0.0e7"),
            ("-12.50", "-125e-1"),
            ("0.001", "1e-3"),
            ("123456789012345678901234567890", "12345678901234567890123456789e1"),
        ] {
            assert_eq!(number(left).decimal(), number(right).decimal(), "{left} = {right}");
        }
        for (left, right) in
            [("1", "-1"), ("1", "10"), ("1.01", "1.1"), ("101", "11"), ("0.1", "0.01"), ("5", "50e-2")]
        {
            assert_ne!(number(left).decimal(), number(right).decimal(), "{left} ≠ {right}");
        }
    }

    #[test]
    fn integers_are_exact_past_two_to_the_53rd() {
        assert_eq!(number("9007199254740993").as_u64(), Some(9_007_199_254_740_993));
        assert_eq!(number("9007199254740993.0").as_u64(), Some(9_007_199_254_740_993));
        assert_eq!(number("18446744073709551615").as_u64(), Some(u64::MAX));
        assert_eq!(number("18446744073709551616").as_u64(), None);
        assert_eq!(number("-9223372036854775808").as_i64(), Some(i64::MIN));
        assert!(!number("9007199254740993").equals(&Number::from(9_007_199_254_740_992_u64)));
        let double = |value: f64| Number::from_f64(value).unwrap();
        assert!(!number("18446744073709551615").equals(&double(18_446_744_073_709_551_616.0)));
        assert!(number("18446744073709551616").equals(&double(18_446_744_073_709_551_616.0)));
        assert!(number("3").equals(&double(3.0)) && number("0.1").equals(&double(0.1)));
        assert_ne!(number("18446744073709551616").decimal(), number("18446744073709551617").decimal());
    }

    #[test]
    fn whole_numbers_are_integers_in_every_spelling() {
        for text in ["1", "-1", "1.0", "1e2", "1.5e1", "-0.0", "1e400", "123456789012345678901234567890"] {
            assert!(number(text).is_integer(), "{text}");
        }
        for text in ["0.5", "1e-1", "15e-1", "1.000000000000000000000000001"] {
            assert!(!number(text).is_integer(), "{text}");
        }
        assert!(number("10").is_written_as_integer() && !number("1e1").is_written_as_integer());
    }

    #[test]
    fn a_number_past_a_double_has_no_double() {
        assert_eq!(number("1e400").as_f64(), None);
        assert_eq!(number("1e99999999999999999999").as_f64(), None);
        assert_eq!(number("1e400").to_number().as_f64(), Some(f64::MAX));
    }
}

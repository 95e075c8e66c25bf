//! Decimal numbers as they stand on a report card: exact hundredths, never a float.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

/// Digits before the point that a number may have; beyond them JSON readers lose hundredths.
const WHOLE_DIGITS: usize = 12;

const NOT_A_NUMBER: &str = "A valid number is required.";
const TOO_FINE: &str = "Ensure that there are no more than 2 decimal places.";
const TOO_LARGE: &str = "Ensure that there are no more than 12 digits before the decimal point.";

/// A decimal number, counted in hundredths: `5725` is 57.25.
///
/// Written as the JSON number 57.25; read from the raw integer 5725, as a row of the database carries it. Where one
/// text must be read as it was written (frozen cards), fields are read with [`as_written`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(transparent)]
pub struct Hundredths(pub i64);

impl Hundredths {
    /// Reads a number, or text that is one, with at most two decimals; at most twelve digits before the point.
    pub fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::Number(number) => Self::read(&number.to_string(), true),
            Value::String(text) => Self::read(text.trim(), false),
            _ => Err(NOT_A_NUMBER.into()),
        }
    }

    /// `exponents`: whether the text is how JSON shows a float, where 1e-7 is a number with too many decimals.
    fn read(text: &str, exponents: bool) -> Result<Self, String> {
        if exponents && text.contains(['e', 'E']) {
            let fault = if text.contains("e-") {
                TOO_FINE
            } else {
                TOO_LARGE
            };
            return Err(fault.into());
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        if [whole, decimals]
            .iter()
            .any(|part| part.is_empty() || !part.bytes().all(|c| c.is_ascii_digit()))
        {
            return Err(NOT_A_NUMBER.into());
        }
        if decimals.len() > 2 {
            return Err(TOO_FINE.into());
        }
        if whole.trim_start_matches('0').len() > WHOLE_DIGITS {
            return Err(TOO_LARGE.into());
        }
        let amount: i64 = format!("{whole}{decimals:0<2}")
            .parse()
            .map_err(|_| TOO_LARGE)?;
        Ok(Self(if negative { -amount } else { amount }))
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        let text = match (rest, rest % 10) {
            (0, _) => format!("{sign}{whole}"),
            (_, 0) => format!("{sign}{whole}.{}", rest / 10),
            _ => format!("{sign}{whole}.{rest:02}"),
        };
        f.pad(&text)
    }
}

impl Serialize for Hundredths {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest float of a number with two decimals is written as that number"
    )]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 100 == 0 {
            serializer.serialize_i64(self.0 / 100)
        } else {
            serializer.serialize_f64(self.0 as f64 / 100.0)
        }
    }
}

/// `sum_hundredths` ÷ `by`, rounded half away from zero to two decimals: the rounding of every average and total.
/// `None` where there is nothing to divide by.
#[must_use]
pub fn divide(sum_hundredths: i64, by: i64) -> Option<Hundredths> {
    let (sum, by) = (i128::from(sum_hundredths), i128::from(by));
    let size = (2 * sum.abs() + by.abs()).checked_div(2 * by.abs())?;
    let signed = if (sum < 0) == (by < 0) { size } else { -size };
    i64::try_from(signed).ok().map(Hundredths)
}

/// A number that is read from the decimal form in which it is written.
pub trait AsWritten: Sized {
    /// Reads the decimal form.
    fn from_decimal(value: &Value) -> Result<Self, String>;
}

impl AsWritten for Hundredths {
    fn from_decimal(value: &Value) -> Result<Self, String> {
        Self::parse(value)
    }
}

impl<T: AsWritten> AsWritten for Option<T> {
    fn from_decimal(value: &Value) -> Result<Self, String> {
        if value.is_null() {
            Ok(None)
        } else {
            T::from_decimal(value).map(Some)
        }
    }
}

/// For `#[serde(deserialize_with)]`: a frozen card holds 57.25 and not 5725, so that it can be answered as it is stored.
pub fn as_written<'de, D: Deserializer<'de>, T: AsWritten>(deserializer: D) -> Result<T, D::Error> {
    T::from_decimal(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $min:literal..=$max:literal, $refusal:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Hundredths);

        impl $name {
            /// The smallest.
            pub const MIN: Self = Self(Hundredths($min));
            /// The largest.
            pub const MAX: Self = Self(Hundredths($max));

            /// From hundredths, if they are in range.
            #[must_use]
            pub fn new(hundredths: i64) -> Option<Self> {
                ($min..=$max)
                    .contains(&hundredths)
                    .then_some(Self(Hundredths(hundredths)))
            }

            /// The rule of the field.
            pub fn rule(value: &Value) -> Result<Self, String> {
                Self::new(Hundredths::parse(value)?.0).ok_or_else(|| $refusal.into())
            }

            /// The number in hundredths.
            #[must_use]
            pub fn hundredths(self) -> i64 {
                self.0.0
            }
        }

        impl From<$name> for Hundredths {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl AsWritten for $name {
            fn from_decimal(value: &Value) -> Result<Self, String> {
                Self::rule(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(i64::deserialize(deserializer)?).ok_or_else(|| D::Error::custom($refusal))
            }
        }
    };
}

bounded! {
    /// A mark: 0 to 100, in hundredths. Read and written as [`Hundredths`] are.
    Mark, 0..=10_000, "Ensure this value is between 0 and 100."
}

bounded! {
    /// The weight of a subject: 0.01 to 100, in hundredths. Read and written as [`Hundredths`] are.
    Coefficient, 1..=10_000, "Ensure this value is between 0.01 and 100."
}

impl Coefficient {
    /// Weight 1: where a school does not weigh its subjects.
    pub const ONE: Self = Self(Hundredths(100));
}

/// What there is of a student in a subject. Absent, zero and missing are three things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", content = "mark", rename_all = "snake_case")]
pub enum Score {
    /// Sat, and marked; zero is a mark.
    Marked(#[serde(deserialize_with = "as_written")] Mark),
    /// Did not sit: out of the average and of the subjects taken.
    Absent,
    /// Not entered yet: the student's card is incomplete.
    Missing,
}

impl Score {
    /// The mark, of who sat.
    #[must_use]
    pub fn mark(self) -> Option<Mark> {
        match self {
            Self::Marked(mark) => Some(mark),
            Self::Absent | Self::Missing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn numbers_and_text_are_read_to_the_hundredth() {
        for (value, hundredths) in [
            (json!(0), 0),
            (json!(57), 5700),
            (json!(57.5), 5750),
            (json!(57.25), 5725),
            (json!(100.0), 10_000),
            (json!(-0.5), -50),
            (json!("57.50"), 5750),
            (json!(" 007 "), 700),
            (json!("0.01"), 1),
            (json!(999_999_999_999.99), 99_999_999_999_999),
        ] {
            assert_eq!(
                Hundredths::parse(&value),
                Ok(Hundredths(hundredths)),
                "{value}"
            );
        }
    }

    #[test]
    fn what_is_no_number_or_too_fine_or_too_large_is_said() {
        for (value, fault) in [
            (json!(null), NOT_A_NUMBER),
            (json!(true), NOT_A_NUMBER),
            (json!([1]), NOT_A_NUMBER),
            (json!(""), NOT_A_NUMBER),
            (json!("-"), NOT_A_NUMBER),
            (json!(".5"), NOT_A_NUMBER),
            (json!("5."), NOT_A_NUMBER),
            (json!("5,5"), NOT_A_NUMBER),
            (json!("+5"), NOT_A_NUMBER),
            (json!("--5"), NOT_A_NUMBER),
            (json!("1e2"), NOT_A_NUMBER),
            (json!("NaN"), NOT_A_NUMBER),
            (json!("٣"), NOT_A_NUMBER),
            (json!("1.2.3"), NOT_A_NUMBER),
            (json!(57.255), TOO_FINE),
            (json!("57.250"), TOO_FINE),
            (json!(0.1 + 0.2), TOO_FINE),
            (json!(1e-9), TOO_FINE),
            (json!(1e300), TOO_LARGE),
            (json!(u64::MAX), TOO_LARGE),
            (json!("1000000000000"), TOO_LARGE),
        ] {
            assert_eq!(Hundredths::parse(&value), Err(fault.to_owned()), "{value}");
        }
    }

    #[test]
    fn numbers_are_written_as_short_as_people_write_them() {
        for (hundredths, text) in [
            (0, "0"),
            (5700, "57"),
            (5750, "57.5"),
            (5725, "57.25"),
            (5705, "57.05"),
            (-50, "-0.5"),
        ] {
            assert_eq!(Hundredths(hundredths).to_string(), text);
            assert_eq!(
                serde_json::to_string(&Hundredths(hundredths)).unwrap(),
                text
            );
        }
        assert_eq!(format!("{:>6}|", Hundredths(5750)), "  57.5|");
    }

    #[test]
    fn a_row_carries_hundredths() {
        assert_eq!(
            serde_json::from_str::<Hundredths>("5725").unwrap(),
            Hundredths(5725)
        );
        assert_eq!(serde_json::from_str::<Mark>("10000").unwrap(), Mark::MAX);
        assert!(serde_json::from_str::<Mark>("10001").is_err());
        assert!(serde_json::from_str::<Mark>("57.25").is_err());
    }

    #[test]
    fn marks_and_coefficients_keep_their_range() {
        assert_eq!(Mark::rule(&json!(0)), Ok(Mark::MIN));
        assert_eq!(Mark::rule(&json!("100.00")), Ok(Mark::MAX));
        for bad in [json!(-0.01), json!(100.01), json!(5700)] {
            assert_eq!(
                Mark::rule(&bad),
                Err("Ensure this value is between 0 and 100.".to_owned())
            );
        }
        assert_eq!(Coefficient::rule(&json!(1)), Ok(Coefficient::ONE));
        assert_eq!(Coefficient::rule(&json!(0.01)), Ok(Coefficient::MIN));
        assert!(Coefficient::rule(&json!(0)).is_err());
        assert!(Coefficient::rule(&json!(100.5)).is_err());
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (sum, by, quotient) in [
            (1, 2, 1),
            (-1, 2, -1),
            (1, -2, -1),
            (-1, -2, 1),
            (100, 3, 33),
            (200, 3, 67),
            (-200, 3, -67),
            (0, 5, 0),
            (i64::MAX, 1, i64::MAX),
        ] {
            assert_eq!(divide(sum, by), Some(Hundredths(quotient)), "{sum} / {by}");
        }
        assert_eq!(divide(1, 0), None);
    }

    #[test]
    fn a_score_is_read_as_it_is_written() {
        for (score, text) in [
            (
                Score::Marked(Mark::new(5750).unwrap()),
                r#"{"status":"marked","mark":57.5}"#,
            ),
            (Score::Marked(Mark::MIN), r#"{"status":"marked","mark":0}"#),
            (Score::Absent, r#"{"status":"absent"}"#),
            (Score::Missing, r#"{"status":"missing"}"#),
        ] {
            assert_eq!(serde_json::to_string(&score).unwrap(), text);
            assert_eq!(serde_json::from_str::<Score>(text).unwrap(), score);
        }
    }

    proptest! {
        #[test]
        fn every_number_is_read_as_it_is_written(n in -99_999_999_999_999_i64..=99_999_999_999_999) {
            let number = Hundredths(n);
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(&json, &number.to_string());
            let value: Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(Hundredths::parse(&value), Ok(number));
            prop_assert_eq!(Hundredths::parse(&json!(json)), Ok(number));
        }

        #[test]
        fn a_quotient_is_off_by_half_a_hundredth_at_most(sum in -1_000_000_000_i64..1_000_000_000, by in 1..100_000_i64) {
            let quotient = divide(sum, by).unwrap().0;
            prop_assert!((2 * (quotient * by - sum)).abs() <= by);
            prop_assert_eq!(divide(-sum, by), Some(Hundredths(-quotient)));
        }
    }
}

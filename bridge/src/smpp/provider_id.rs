//! Ids that centres give to messages. The answer to `submit_sm` and the receipt often write the same id in different ways.

use serde::Deserialize;

/// How a centre writes an id in one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdForm {
    /// Byte for byte.
    #[default]
    Exact,
    /// Upper and lower case are the same.
    CaseFold,
    /// As `CaseFold`, and zeros in front do not count.
    StripZeros,
    /// A hexadecimal number.
    Hex,
    /// A decimal number.
    Decimal,
}

/// How a centre writes its ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IdRules {
    /// In the answer to `submit_sm`.
    pub response: IdForm,
    /// In receipts.
    pub receipt: IdForm,
}

impl IdForm {
    /// The id in the form that answers and receipts are joined by. What is not a number where one is expected counts as `StripZeros`.
    #[must_use]
    pub fn normalise(self, id: &[u8]) -> Vec<u8> {
        let number = |radix| {
            std::str::from_utf8(id)
                .ok()
                // Rust reads a sign, which no id has.
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
                .and_then(|text| u128::from_str_radix(text, radix).ok())
                .map(|number| number.to_string().into_bytes())
        };
        match self {
            Self::Exact => id.to_vec(),
            Self::CaseFold => id.to_ascii_lowercase(),
            Self::StripZeros => strip(id),
            Self::Hex => number(16).unwrap_or_else(|| strip(id)),
            Self::Decimal => number(10).unwrap_or_else(|| strip(id)),
        }
    }
}

fn strip(id: &[u8]) -> Vec<u8> {
    let zeros = id.iter().take_while(|byte| **byte == b'0').count();
    // An id of zeros only is still an id.
    let kept = id.get(zeros..).filter(|rest| !rest.is_empty());
    kept.or_else(|| id.last().map(std::slice::from_ref))
        .unwrap_or_default()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_answers_and_receipts_meet_in_one_form() {
        use IdForm::{CaseFold, Decimal, Exact, Hex, StripZeros};
        for (response, receipt, in_response, in_receipt) in [
            (Exact, Exact, "aB01", "aB01"),
            (CaseFold, CaseFold, "00ab-F7", "00AB-f7"),
            (StripZeros, StripZeros, "00560f77", "560F77"),
            (Hex, Decimal, "00560F77", "5640055"),
            (Decimal, Hex, "0005640055", "560f77"),
            (Hex, Decimal, "not-a-number", "NOT-A-NUMBER"),
            (Decimal, Decimal, "+5", "+5"),
            (Hex, Decimal, "0", "000"),
            (StripZeros, StripZeros, "000", "0"),
        ] {
            assert_eq!(
                response.normalise(in_response.as_bytes()),
                receipt.normalise(in_receipt.as_bytes()),
                "{in_response} {in_receipt}"
            );
        }
    }

    #[test]
    fn different_ids_stay_different() {
        assert_ne!(IdForm::Exact.normalise(b"a"), IdForm::Exact.normalise(b"A"));
        assert_ne!(
            IdForm::CaseFold.normalise(b"01"),
            IdForm::CaseFold.normalise(b"1")
        );
        assert_ne!(
            IdForm::Decimal.normalise(b"+5"),
            IdForm::Decimal.normalise(b"5")
        );
    }

    #[test]
    fn any_bytes_are_an_id() {
        for form in [
            IdForm::Exact,
            IdForm::CaseFold,
            IdForm::StripZeros,
            IdForm::Hex,
            IdForm::Decimal,
        ] {
            assert_eq!(form.normalise(b""), b"");
            assert_eq!(form.normalise(b"\xff\xfe"), b"\xff\xfe");
            let long = [b'9'; 70];
            assert_eq!(form.normalise(&long), long);
        }
    }
}

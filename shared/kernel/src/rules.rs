//! Rules for single fields. Form-encoded bodies carry text only, so numbers and truth values are read from text too.

use chrono::NaiveDate;
use serde_json::Value;

use crate::{Id, Timestamp};

fn of_length(text: &str, min: usize, max: usize) -> Result<(), String> {
    let length = text.chars().count();
    if text.is_empty() && min > 0 {
        return Err("This field may not be blank.".into());
    }
    if length < min {
        return Err(format!("Ensure this field has at least {min} characters."));
    }
    if length > max {
        return Err(format!(
            "Ensure this field has no more than {max} characters."
        ));
    }
    Ok(())
}

/// Text of `min` to `max` characters after trimming; no control characters but line breaks and tabs.
pub fn text(min: usize, max: usize) -> impl Fn(&Value) -> Result<String, String> {
    move |value| {
        let text = value.as_str().ok_or("Not a valid string.")?.trim();
        of_length(text, min, max)?;
        if text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            return Err("Control characters are not allowed.".into());
        }
        Ok(text.to_owned())
    }
}

/// Text kept exactly as sent, spaces included: passwords and tokens.
pub fn verbatim(min: usize, max: usize) -> impl Fn(&Value) -> Result<String, String> {
    move |value| {
        let text = value.as_str().ok_or("Not a valid string.")?;
        of_length(text, min, max)?;
        Ok(text.to_owned())
    }
}

/// A truth value.
pub fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) => match text.as_str() {
            "true" | "True" | "1" | "on" => Ok(true),
            "false" | "False" | "0" | "off" => Ok(false),
            _ => Err("Must be a valid boolean.".into()),
        },
        _ => Err("Must be a valid boolean.".into()),
    }
}

/// A whole number from `min` to `max`.
pub fn integer(min: i64, max: i64) -> impl Fn(&Value) -> Result<i64, String> {
    move |value| {
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
        .ok_or("A valid integer is required.")?;
        if (min..=max).contains(&number) {
            Ok(number)
        } else {
            Err(format!("Ensure this value is from {min} to {max}."))
        }
    }
}

/// The id of a `T`.
pub fn id<T>(value: &Value) -> Result<Id<T>, String> {
    value
        .as_str()
        .and_then(Id::parse)
        .ok_or_else(|| "Must be a valid UUID.".into())
}

/// A moment as RFC 3339.
pub fn timestamp(value: &Value) -> Result<Timestamp, String> {
    value
        .as_str()
        .and_then(Timestamp::parse)
        .ok_or_else(|| "Use the form 2026-01-31T08:00:00Z.".into())
}

/// A calendar date, `2026-01-31`.
pub fn date(value: &Value) -> Result<String, String> {
    let text = value.as_str().unwrap_or_default();
    if text.len() == 10 && text.parse::<NaiveDate>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err("Use the form 2026-01-31.".into())
    }
}

/// A list of at most `max` values, each under the same rule; one value stands for a list of one, as forms send it.
pub fn list<T>(
    max: usize,
    rule: impl Fn(&Value) -> Result<T, String>,
) -> impl Fn(&Value) -> Result<Vec<T>, String> {
    move |value| {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            Value::String(_) => std::slice::from_ref(value),
            _ => return Err("Expected a list of items.".into()),
        };
        if items.len() > max {
            return Err(format!("Ensure this list has no more than {max} items."));
        }
        items
            .iter()
            .enumerate()
            .map(|(n, item)| rule(item).map_err(|e| format!("Item {}: {e}", n + 1)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_trimmed_and_counted_in_characters() {
        assert_eq!(text(1, 5)(&json!("  žluté ")), Ok("žluté".to_owned()));
        assert!(text(1, 5)(&json!("sixsix")).is_err());
        assert!(text(1, 5)(&json!("   ")).is_err());
        assert!(text(1, 5)(&json!(5)).is_err());
        assert!(text(1, 5)(&json!("a\u{0}b")).is_err());
    }

    #[test]
    fn passwords_keep_their_spaces() {
        assert_eq!(verbatim(1, 5)(&json!(" a ")), Ok(" a ".to_owned()));
    }

    #[test]
    fn forms_send_numbers_and_truth_values_as_text() {
        assert_eq!(boolean(&json!("true")), Ok(true));
        assert_eq!(integer(0, 9)(&json!("7")), Ok(7));
        assert!(integer(0, 9)(&json!(7.5)).is_err());
        assert!(integer(0, 9)(&json!(10)).is_err());
    }

    #[test]
    fn a_single_value_is_a_list_of_one() {
        assert_eq!(list(2, text(1, 5))(&json!("a")), Ok(vec!["a".to_owned()]));
        assert!(list(1, text(1, 5))(&json!(["a", "b"])).is_err());
        assert_eq!(
            list(2, text(1, 1))(&json!(["a", "bb"])).unwrap_err(),
            "Item 2: Ensure this field has no more than 1 characters."
        );
    }

    #[test]
    fn dates_exist() {
        assert!(date(&json!("2026-02-28")).is_ok());
        assert!(date(&json!("2026-02-30")).is_err());
        assert!(date(&json!("2026-2-3")).is_err());
    }
}

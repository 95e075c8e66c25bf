//! Lists: page numbers, orderings, search and filters, checked against what a resource declares.

use crate::fields::FieldErrors;

/// The largest `page_size`; larger requests are served with this one.
pub const MAX_PAGE_SIZE: u32 = 100;
/// The `page_size` where none is asked for.
pub const DEFAULT_PAGE_SIZE: u32 = 25;
/// Beyond this no list has a page, and the offset stays far from overflow.
const MAX_PAGE: u32 = 1_000_000;

/// What a list can be ordered, searched and filtered by. SQL fragments are constants of the store, never input.
#[derive(Debug)]
pub struct Listing {
    /// Public field name → SQL expression.
    pub orderings: &'static [(&'static str, &'static str)],
    /// The ordering where none is asked for, as a client would write it (`-created_at`).
    pub default_ordering: &'static str,
    /// SQL expressions that `search` looks into; empty where the list has no search.
    pub search: &'static [&'static str],
    /// Public filter name → how its value is read and the SQL condition with `?` for the value.
    pub filters: &'static [(&'static str, FilterKind, &'static str)],
}

/// How a filter's value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterKind {
    /// Compared as text, up to 255 characters.
    Text,
    /// `true` or `false`.
    Bool,
    /// An id in its hyphenated form.
    Id,
    /// A whole number.
    Integer,
    /// A date, `2026-01-31`.
    Date,
}

/// A filter's checked value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterValue {
    /// Text or an id.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
}

/// A checked request for one page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub page: u32,
    /// 1 to [`MAX_PAGE_SIZE`].
    pub page_size: u32,
    /// SQL expression and direction (`true` = descending) of each ordering, constants of the [`Listing`].
    pub ordering: Vec<(&'static str, bool)>,
    /// Text to search for, at most 100 characters.
    pub search: Option<String>,
    /// SQL conditions of the [`Listing`] with their values.
    pub filters: Vec<(&'static str, FilterValue)>,
}

impl PageRequest {
    /// Reads decoded query parameters against the listing; all mistakes at once.
    pub fn parse<'a>(
        listing: &Listing,
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut request = Self {
            page: 1,
            page_size: DEFAULT_PAGE_SIZE,
            ordering: Vec::new(),
            search: None,
            filters: Vec::new(),
        };
        let mut ordering = listing.default_ordering;
        for (name, value) in query {
            match name {
                "page" => match whole_number(value) {
                    Some(page) if page >= 1 => request.page = page.min(MAX_PAGE),
                    _ => errors.add("page", "A page is a whole number from 1."),
                },
                "page_size" => match whole_number(value) {
                    Some(size) if size >= 1 => request.page_size = size.min(MAX_PAGE_SIZE),
                    _ => errors.add("page_size", "A page size is a whole number from 1 to 100."),
                },
                "ordering" if !value.is_empty() => ordering = value,
                "ordering" => {}
                "search" if listing.search.is_empty() => {
                    errors.add("search", "This list cannot be searched.");
                }
                "search" if value.chars().count() > 100 => {
                    errors.add("search", "Ensure this value has at most 100 characters.");
                }
                "search" if value.contains('\0') => {
                    errors.add("search", "Null characters are not allowed.");
                }
                "search" => {
                    request.search = Some(value.trim().to_owned()).filter(|text| !text.is_empty());
                }
                _ => match listing.filters.iter().find(|(known, _, _)| *known == name) {
                    Some((_, _, condition))
                        if request.filters.iter().any(|(c, _)| c == condition) =>
                    {
                        errors.add(name, "Name each filter once.");
                    }
                    Some((_, kind, condition)) => match read_filter(*kind, value) {
                        Ok(read) => request.filters.push((condition, read)),
                        Err(message) => errors.add(name, message),
                    },
                    None => errors.add(name, "This list has no such filter."),
                },
            }
        }
        for part in ordering.split(',') {
            let (field, descending) = part
                .strip_prefix('-')
                .map_or((part, false), |field| (field, true));
            match listing
                .orderings
                .iter()
                .find(|(known, _)| *known == field.trim())
            {
                Some((_, expression)) => request.ordering.push((expression, descending)),
                None => errors.add("ordering", &ordering_message(listing)),
            }
        }
        if request.ordering.len() > listing.orderings.len() {
            errors.add("ordering", "A field can be named once.");
        }
        errors.into_result(request)
    }

    /// Rows before this page.
    #[must_use]
    pub fn offset(&self) -> u64 {
        u64::from(self.page - 1) * u64::from(self.page_size)
    }
}

/// A number in digits; one that is too large to hold is as good as the largest.
fn whole_number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u32::MAX))
}

fn ordering_message(listing: &Listing) -> String {
    let names: Vec<&str> = listing.orderings.iter().map(|(name, _)| *name).collect();
    format!("Order by one or more of: {}.", names.join(", "))
}

fn read_filter(kind: FilterKind, value: &str) -> Result<FilterValue, &'static str> {
    match kind {
        FilterKind::Text if value.contains('\0') => Err("Null characters are not allowed."),
        FilterKind::Text if value.chars().count() <= 255 => Ok(FilterValue::Text(value.to_owned())),
        FilterKind::Text => Err("Ensure this value has at most 255 characters."),
        FilterKind::Bool => match value {
            "true" | "True" | "1" => Ok(FilterValue::Bool(true)),
            "false" | "False" | "0" => Ok(FilterValue::Bool(false)),
            _ => Err("Must be true or false."),
        },
        FilterKind::Id => crate::Id::<()>::parse(value)
            .map(|id| FilterValue::Text(id.to_string()))
            .ok_or("Must be a valid UUID."),
        FilterKind::Integer => value
            .parse()
            .ok()
            .filter(|number: &i64| number.unsigned_abs() < 1 << 53)
            .map(FilterValue::Integer)
            .ok_or("Must be a whole number."),
        FilterKind::Date => crate::rules::date(&value.into())
            .map(FilterValue::Text)
            .map_err(|_| "Use the form 2026-01-31."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LISTING: Listing = Listing {
        orderings: &[("name", "t.name"), ("created_at", "t.created_at")],
        default_ordering: "-created_at",
        search: &["t.name"],
        filters: &[
            ("is_active", FilterKind::Bool, "t.is_active = ?"),
            ("role", FilterKind::Id, "t.role = ?"),
        ],
    };

    fn parse(query: &[(&str, &str)]) -> Result<PageRequest, FieldErrors> {
        PageRequest::parse(&LISTING, query.iter().copied())
    }

    #[test]
    fn without_parameters_the_first_page_comes_in_the_default_order() {
        let request = parse(&[]).unwrap();
        assert_eq!(
            (request.page, request.page_size, request.offset()),
            (1, 25, 0)
        );
        assert_eq!(request.ordering, vec![("t.created_at", true)]);
    }

    #[test]
    fn a_page_size_over_the_cap_is_capped() {
        assert_eq!(parse(&[("page_size", "5000")]).unwrap().page_size, 100);
    }

    #[test]
    fn several_orderings_are_kept_in_their_order() {
        let request = parse(&[("ordering", "name,-created_at")]).unwrap();
        assert_eq!(
            request.ordering,
            vec![("t.name", false), ("t.created_at", true)]
        );
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let errors = parse(&[
            ("page", "0"),
            ("page_size", "x"),
            ("ordering", "password_hash"),
            ("colour", "red"),
            ("is_active", "maybe"),
            ("role", "1"),
        ])
        .unwrap_err();
        let names: Vec<&str> = errors.names().collect();
        assert_eq!(
            names,
            [
                "colour",
                "is_active",
                "ordering",
                "page",
                "page_size",
                "role"
            ]
        );
    }

    #[test]
    fn a_filter_is_named_once() {
        let errors = parse(&[("is_active", "true"), ("is_active", "false")]).unwrap_err();
        assert_eq!(errors.messages()["is_active"], ["Name each filter once."]);
    }

    #[test]
    fn absurd_pages_stay_in_range() {
        assert!(parse(&[("page", "-1")]).is_err());
        assert!(parse(&[("page", "1e9")]).is_err());
        assert!(parse(&[("page", "+5")]).is_err());
        assert_eq!(
            parse(&[("page", "99999999999999999999")]).unwrap().page,
            MAX_PAGE
        );
        assert_eq!(parse(&[("page", "4294967295")]).unwrap().page, MAX_PAGE);
    }
}

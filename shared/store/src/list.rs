//! One page of a list and the count of all its rows, in one round trip.

use homeroom_kernel::{Id, PageRequest, page::FilterValue, search};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};

use crate::{
    connection::{Connection, Outcomes},
    error::StoreError,
    sql::{Statement, Value, sql},
};

/// Letters beyond A to Z that a search makes small, two of D1's parameters each; what is more is compared as written.
const MAX_FOLDINGS: usize = 32;

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Rows of the whole list.
    pub count: u64,
    /// Rows of this page.
    pub rows: Vec<T>,
}

impl<T> Page<T> {
    /// The same page with its rows in another form.
    pub fn map<R>(self, form: impl FnMut(T) -> R) -> Page<R> {
        Page {
            count: self.count,
            rows: self.rows.into_iter().map(form).collect(),
        }
    }
}

/// A list's constant parts.
pub(crate) struct Source<'a> {
    /// What is selected, without `select`.
    pub(crate) columns: &'a str,
    /// Tables, without `from`.
    pub(crate) from: &'a str,
    /// A condition that always holds for the list's rows; `true` where there is none.
    pub(crate) condition: &'a str,
    /// Ends every ordering, so that pages never overlap.
    pub(crate) key: &'static str,
}

/// The record that a list is part of.
pub(crate) struct Parent {
    /// Finds a row where the record exists; `?` is its id.
    pub(crate) exists: &'static str,
    /// Which rows of the list are its own; `?` is its id.
    pub(crate) condition: &'static str,
    /// Its id.
    pub(crate) id: Id<()>,
}

#[derive(Deserialize)]
struct Count {
    count: u64,
}

/// Fetches a page; a page beyond the end is [`StoreError::NoSuchPage`], but the first page always exists.
pub(crate) async fn fetch<T: DeserializeOwned>(
    connection: &Connection,
    source: &Source<'_>,
    search: &'static [&'static str],
    request: &PageRequest,
) -> Result<Page<T>, StoreError> {
    let (count, page) = statements(source, search, request);
    let mut outcomes = connection.batch(vec![count, page]).await?;
    take(&mut outcomes)?.within(request)
}

/// Fetches a page of what belongs to a record; [`StoreError::NotFound`] where there is no such record.
pub(crate) async fn fetch_within<T: DeserializeOwned>(
    connection: &Connection,
    parent: &Parent,
    source: &Source<'_>,
    search: &'static [&'static str],
    request: &PageRequest,
) -> Result<Page<T>, StoreError> {
    let mut request = request.clone();
    let own = FilterValue::Text(parent.id.to_string());
    request.filters.insert(0, (parent.condition, own));
    let (count, page) = statements(source, search, &request);
    let exists = sql!(parent.exists, parent.id);
    let mut outcomes = connection.batch(vec![exists, count, page]).await?;
    if outcomes.rows::<IgnoredAny>()?.is_empty() {
        return Err(StoreError::NotFound);
    }
    take(&mut outcomes)?.within(&request)
}

/// What [`statements`] found.
pub(crate) fn take<T: DeserializeOwned>(outcomes: &mut Outcomes) -> Result<Page<T>, StoreError> {
    let count = outcomes.rows::<Count>()?.first().map_or(0, |row| row.count);
    let rows = outcomes.rows()?;
    Ok(Page { count, rows })
}

impl<T> Page<T> {
    /// The page, unless it lies beyond the end.
    pub fn within(self, request: &PageRequest) -> Result<Self, StoreError> {
        if request.page > 1 && request.offset() >= self.count {
            return Err(StoreError::NoSuchPage);
        }
        Ok(self)
    }
}

/// The condition that of each word of the text one of these expressions contains it, in whatever case.
///
/// `instr` instead of `like`: D1 cuts patterns at 50 bytes, and nothing needs escaping. SQLite's `lower` knows ASCII only,
/// so that the text's other letters are made small one by one.
fn found(text: &str, search: &[&str], params: &mut Vec<Value>) -> String {
    let mut parameter = |value: String| {
        params.push(Value::from(value));
        format!("?{}", params.len())
    };
    let mut foldings = search::foldings(text);
    foldings.truncate(MAX_FOLDINGS);
    let pairs: Vec<(String, String)> = foldings
        .iter()
        .map(|(form, small)| (parameter(form.to_string()), parameter(small.to_string())))
        .collect();
    let small = |column: &&str| {
        pairs
            .iter()
            .fold(format!("lower({column})"), |text, (form, small)| {
                format!("replace({text}, {form}, {small})")
            })
    };
    let columns: Vec<String> = search.iter().map(small).collect();
    let words = search::words(text).map(|word| {
        let needle = word.chars().map(|letter| {
            let folding = foldings.iter().find(|(form, _)| *form == letter);
            folding.map_or(letter.to_ascii_lowercase(), |(_, small)| *small)
        });
        let needle = parameter(needle.collect());
        let tests = columns
            .iter()
            .map(|column| format!("instr({column}, {needle}) > 0"));
        format!("({})", tests.collect::<Vec<_>>().join(" or "))
    });
    words.collect::<Vec<_>>().join(" and ")
}

/// What counts a list, and what finds a page of it.
pub(crate) fn statements(
    source: &Source<'_>,
    search: &[&str],
    request: &PageRequest,
) -> (Statement, Statement) {
    let mut conditions = vec![source.condition.to_owned()];
    let mut params: Vec<Value> = Vec::new();
    for (condition, value) in &request.filters {
        conditions.push((*condition).to_owned());
        params.push(match value {
            FilterValue::Text(text) => Value::from(text),
            FilterValue::Bool(truth) => Value::from(*truth),
            FilterValue::Integer(number) => Value::from(*number),
        });
    }
    if let Some(text) = &request.search {
        conditions.push(found(text, search, &mut params));
    }
    let clause = format!("from {} where {}", source.from, conditions.join(" and "));
    let descending = request
        .ordering
        .first()
        .is_some_and(|(_, descending)| *descending);
    let ordering: Vec<String> = request
        .ordering
        .iter()
        .copied()
        .chain([(source.key, descending)])
        .map(|(expression, descending)| {
            format!("{expression}{}", if descending { " desc" } else { "" })
        })
        .collect();
    let count = Statement {
        sql: format!("select count(*) as count {clause}").into(),
        params: params.clone(),
    };
    params.push(Value::from(i64::from(request.page_size)));
    params.push(Value::from(
        i64::try_from(request.offset()).unwrap_or(i64::MAX),
    ));
    let page = Statement {
        sql: format!(
            "select {} {clause} order by {} limit ? offset ?",
            source.columns,
            ordering.join(", ")
        )
        .into(),
        params,
    };
    (count, page)
}

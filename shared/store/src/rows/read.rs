//! Reading rows: a type's fields are taken from the columns of their names, by place.
//!
//! Handing rows to derived code by place instead of by name leaves out of each Worker, for each of its row types, the code that
//! tells names apart, and that code is much larger than what reads the values.

use std::{borrow::Cow, fmt, mem};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor,
        value::{CowStrDeserializer, Error},
    },
    forward_to_deserialize_any,
};

use crate::error::StoreError;

/// Reads the rows that a statement gave ([`Outcome::rows`](crate::sql::Outcome::rows)).
///
/// A column that the type does not have is passed over; an optional field without a column is `None`.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    // Found once for all rows.
    let mut places = Vec::new();
    each_row(text, &mut |columns, cells| {
        all.push(T::deserialize(Row {
            columns,
            cells,
            places: &mut places,
        })?);
        Ok(())
    })?;
    Ok(all)
}

/// What is done with one row: its columns' names, and its values to take.
type Work<'w, 'de> = dyn FnMut(&[Text<'de>], &mut [Cell<'de>]) -> Result<(), Error> + 'w;

/// One copy of this serves all types.
fn each_row<'de>(text: &'de str, work: &mut Work<'_, 'de>) -> Result<(), StoreError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_seq(Rows(work))?;
    Ok(reader.end()?)
}

struct Rows<'r, 'w, 'de>(&'r mut Work<'w, 'de>);

impl<'de> Visitor<'de> for Rows<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of columns and rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some(columns) = list.next_element::<Vec<Text<'de>>>()? else {
            return Ok(());
        };
        let mut cells = Vec::with_capacity(columns.len());
        while list.next_element_seed(Cells(&mut cells))?.is_some() {
            if cells.len() != columns.len() {
                return Err(A::Error::invalid_length(cells.len(), &self));
            }
            (self.0)(&columns, &mut cells).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// Reads a row's values into a list that is used again.
struct Cells<'c, 'de>(&'c mut Vec<Cell<'de>>);

impl<'de> DeserializeSeed<'de> for Cells<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Cells<'_, 'de> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.0.clear();
        while let Some(cell) = list.next_element()? {
            self.0.push(cell);
        }
        Ok(())
    }
}

/// Text that is borrowed where nothing in it was escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A value of a row.
enum Cell<'de> {
    Null,
    Int(i64),
    Real(f64),
    Text(Cow<'de, str>),
    /// There is no column for this field.
    Missing(&'static str),
}

impl<'de> Deserialize<'de> for Cell<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(AnyCell)
    }
}

struct AnyCell;

impl<'de> Visitor<'de> for AnyCell {
    type Value = Cell<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("null, a number or text")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cell::Null)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Cell::Int(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        i64::try_from(number).map(Cell::Int).map_err(E::custom)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Cell::Real(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de> Deserializer<'de> for Cell<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Int(number) => match u64::try_from(number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_i64(number),
            },
            Self::Real(number) => visitor.visit_f64(number),
            Self::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Self::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Self::Missing(field) => Err(Error::missing_field(field)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null | Self::Missing(_) => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_enum(CowStrDeserializer::new(text)),
            other => other.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// One row, whose values can be taken once.
struct Row<'r, 'de> {
    columns: &'r [Text<'de>],
    cells: &'r mut [Cell<'de>],
    /// Where each field of the type lies, or beyond all columns.
    places: &'r mut Vec<usize>,
}

impl<'de> Deserializer<'de> for Row<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Named {
            columns: self.columns,
            cells: self.cells,
            next: 0,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.places.is_empty() {
            find(self.columns, fields, self.places);
        }
        visitor.visit_seq(Placed {
            cells: self.cells,
            places: self.places.iter(),
            fields: fields.iter(),
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

fn find(columns: &[Text<'_>], fields: &[&str], places: &mut Vec<usize>) {
    places.extend(fields.iter().map(|field| {
        let place = columns.iter().position(|column| column.0 == *field);
        place.unwrap_or(usize::MAX)
    }));
}

/// The values of a type's fields, in their order.
struct Placed<'r, 'de> {
    cells: &'r mut [Cell<'de>],
    places: std::slice::Iter<'r, usize>,
    fields: std::slice::Iter<'static, &'static str>,
}

impl<'de> Placed<'_, 'de> {
    fn next(&mut self) -> Option<Cell<'de>> {
        let (place, field) = (self.places.next()?, self.fields.next()?);
        Some(match self.cells.get_mut(*place) {
            Some(cell) => mem::replace(cell, Cell::Null),
            None => Cell::Missing(field),
        })
    }
}

impl<'de> SeqAccess<'de> for Placed<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.next().map(|cell| seed.deserialize(cell)).transpose()
    }
}

/// All columns by name, for what is no type with fields.
struct Named<'r, 'de> {
    columns: &'r [Text<'de>],
    cells: &'r mut [Cell<'de>],
    next: usize,
}

impl<'de> MapAccess<'de> for Named<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let column = self.columns.get(self.next);
        column
            .map(|column| seed.deserialize(CowStrDeserializer::new(column.0.clone())))
            .transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let cell = self.cells.get_mut(self.next);
        self.next += 1;
        seed.deserialize(cell.map_or(Cell::Null, |cell| mem::replace(cell, Cell::Null)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value as Json, json};

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum State {
        InReview,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Whole {
        name: String,
        number: Option<u32>,
        state: State,
        average: f64,
        #[serde(deserialize_with = "crate::rows::flag")]
        is_open: bool,
        #[serde(deserialize_with = "crate::rows::json")]
        list: Vec<u8>,
        left: Option<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Around {
        passed_over: Option<i64>,
        #[serde(flatten)]
        whole: Whole,
    }

    const TEXT: &str = r#"[["list","passed_over","average","is_open","number","name","state"],
        ["[1,2]",7,0.5,1,null,"Ada","in_review"],
        ["[]",null,-3,0,40,"\"É\"","in_review"]]"#;

    fn whole(name: &str, number: Option<u32>, average: f64, list: &[u8]) -> Whole {
        Whole {
            name: name.into(),
            number,
            state: State::InReview,
            average,
            is_open: average > 0.0,
            list: list.to_vec(),
            left: None,
        }
    }

    #[test]
    fn fields_are_the_columns_of_their_names_in_whatever_order_they_come() {
        assert_eq!(
            read::<Whole>(TEXT),
            Ok(vec![
                whole("Ada", None, 0.5, &[1, 2]),
                whole("\"É\"", Some(40), -3.0, &[])
            ])
        );
    }

    #[test]
    fn what_has_no_fields_takes_all_columns_by_name() {
        let rows: Vec<Map<String, Json>> = read(TEXT).unwrap();
        assert_eq!(
            Json::from(rows[1].clone()),
            json!({"list": "[]", "passed_over": null, "average": -3, "is_open": 0, "number": 40, "name": "\"É\"",
                "state": "in_review"})
        );
        let rows: Vec<Around> = read(TEXT).unwrap();
        assert_eq!(rows[0].passed_over, Some(7));
        assert_eq!(rows[0].whole, whole("Ada", None, 0.5, &[1, 2]));
    }

    #[test]
    fn no_row_is_no_row_whatever_the_type() {
        for text in ["[]", r#"[["name"]]"#] {
            assert_eq!(read::<Whole>(text), Ok(vec![]));
            assert_eq!(read::<Json>(text), Ok(vec![]));
        }
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let table = [
            (r#"[["name"],["Ada"]]"#, "missing field `state`"),
            (&TEXT.replace("in_review", "lost"), "unknown variant `lost`"),
            (&TEXT.replace("40", "-40"), "invalid value"),
            (&TEXT.replace("40", "9223372036854775808"), "out of range"),
            (&TEXT.replace("0.5,1", "0.5"), "invalid length 6"),
            (&TEXT.replace("0.5", "true"), "invalid type: boolean"),
            (&TEXT.replace("]]", "]"), "EOF"),
            (r#"{"name": "Ada"}"#, "invalid type: map"),
        ];
        for (text, reason) in table {
            let Err(StoreError::Broken(said)) = read::<Whole>(text) else {
                panic!("{text} was read");
            };
            assert!(said.contains(reason), "{text}: {said}");
        }
    }
}

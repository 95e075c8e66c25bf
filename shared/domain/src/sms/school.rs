//! What schools write: texts with the names of students in them, and the name that phones show as the sender.

use super::number::Address;

/// Characters of a sender that is a name.
const MAX_SENDER: usize = 11;

/// A text with `{student}`, `{class}` and `{school}` in the places of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Student,
    Class,
    School,
}

impl Template {
    /// Reads a text. Braces around anything but a word are text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            plain.push_str(before);
            let name = after.split_once('}').filter(|(name, _)| is_word(name));
            let Some((name, after)) = name else {
                plain.push('{');
                rest = after;
                continue;
            };
            let piece = match name {
                "student" => Piece::Student,
                "class" => Piece::Class,
                "school" => Piece::School,
                _ => {
                    return Err(format!(
                        "There is no {{{name}}}: use {{student}}, {{class}} or {{school}}."
                    ));
                }
            };
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(piece);
            rest = after;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self(pieces))
    }

    /// A text in which braces are braces.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self(vec![Piece::Text(text.to_owned())])
    }

    /// Whether it says something else of every student.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        let personal = |piece: &Piece| matches!(piece, Piece::Student | Piece::Class);
        self.0.iter().any(personal)
    }

    /// The text with names in it.
    #[must_use]
    pub fn fill(&self, student: &str, class: &str, school: &str) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Student => student.to_owned(),
            Piece::Class => class.to_owned(),
            Piece::School => school.to_owned(),
        };
        self.0.iter().map(piece).collect()
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// A sender out of a school's name: as many of its words as fit, in letters that every network shows.
#[must_use]
pub fn sender_of(school: &str) -> String {
    let known = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '-' | '&');
    let letters: String = school.chars().filter(known).collect();
    let mut name = String::new();
    for word in letters.split_whitespace() {
        if !name.is_empty() && name.len() + 1 + word.len() > MAX_SENDER {
            break;
        }
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(word);
    }
    name.truncate(MAX_SENDER);
    Address::sender(&name).map_or_else(|_| "School".to_owned(), |_| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_their_places_in_a_text() {
        let template = Template::parse("{student} of {class} at {school}: {student}!").unwrap();
        assert!(template.is_personal());
        assert_eq!(
            template.fill("Ada Moyo", "Form 1 A", "Greenwood"),
            "Ada Moyo of Form 1 A at Greenwood: Ada Moyo!"
        );
    }

    #[test]
    fn a_text_that_names_no_student_is_the_same_for_all() {
        assert!(
            !Template::parse("Greetings from {school}")
                .unwrap()
                .is_personal()
        );
        assert!(!Template::parse("Greetings").unwrap().is_personal());
        assert!(Template::parse("{class}").unwrap().is_personal());
    }

    #[test]
    fn braces_around_anything_but_a_word_are_text() {
        for text in [
            "{",
            "}",
            "{}",
            "{ student }",
            "a { b } c",
            "{{",
            "{a-b}",
            "{student",
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.fill("x", "y", "z"), text);
        }
        assert_eq!(
            Template::parse("{{student}}").unwrap().fill("Ada", "", ""),
            "{Ada}"
        );
    }

    #[test]
    fn a_literal_text_has_no_places() {
        let literal = Template::literal("{student} {guardian}");
        assert!(!literal.is_personal());
        assert_eq!(literal.fill("Ada", "", ""), "{student} {guardian}");
    }

    #[test]
    fn what_nobody_can_fill_in_is_refused() {
        let error = Template::parse("Dear {guardian}").unwrap_err();
        assert!(error.contains("{guardian}"), "{error}");
    }

    #[test]
    fn a_name_that_is_filled_in_is_never_read_as_a_place() {
        let template = Template::parse("{student} {class}").unwrap();
        assert_eq!(template.fill("{class}", "1 A", ""), "{class} 1 A");
    }

    #[test]
    fn a_sender_is_made_of_the_words_that_fit() {
        for (school, sender) in [
            ("Greenwood", "Greenwood"),
            ("Greenwood High School", "Greenwood"),
            ("St. Mary's Primary", "St Marys"),
            ("Constantinople International", "Constantino"),
            ("École Nº 5", "cole N 5"),
            ("学校", "School"),
            ("12345", "12345"),
            ("1 2", "School"),
            ("", "School"),
        ] {
            assert_eq!(sender_of(school), sender, "{school}");
            assert!(Address::sender(&sender_of(school)).is_ok(), "{school}");
        }
    }
}

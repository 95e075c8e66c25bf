//! Looking for text without regard to case, in any script.

/// A letter in the form in which letters are compared. One whose other form is more than one letter (`ß`, `İ`) is
/// compared as it is, and the sigma that ends a word as any other.
fn fold(letter: char) -> char {
    single(capital(letter).to_lowercase()).unwrap_or(letter)
}

fn capital(letter: char) -> char {
    single(letter.to_uppercase()).unwrap_or(letter)
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

/// Words of a search that count; each makes the statement longer.
const MAX_WORDS: usize = 8;

/// The words of a search, each of which is looked for by itself: a name may be in several fields.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().take(MAX_WORDS)
}

/// Text in the form in which it is compared.
#[must_use]
pub fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

/// The letters that must become another one in a text with small letters A to Z before folded `text` is looked for in it,
/// each once.
#[must_use]
pub fn foldings(text: &str) -> Vec<(char, char)> {
    let mut foldings = Vec::new();
    for letter in text.chars().filter(|letter| !letter.is_ascii()) {
        let folded = fold(letter);
        let last_sigma = (folded == 'σ').then_some('ς');
        for form in [letter, capital(letter)].into_iter().chain(last_sigma) {
            let pair = (form, folded);
            if form != folded && !form.is_ascii() && !foldings.contains(&pair) {
                foldings.push(pair);
            }
        }
    }
    foldings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_alike_in_every_case_and_script() {
        for forms in [
            ["Éva Nagy", "éva nagy", "ÉVA NAGY"],
            ["Иван", "иван", "ИВАН"],
            ["Ελένη", "ελένη", "ΕΛΈΝΗ"],
            ["Οδυσσέας", "οδυσσέασ", "ΟΔΥΣΣΈΑΣ"],
            ["Նարե", "նարե", "ՆԱՐԵ"],
            ["李明", "李明", "李明"],
        ] {
            for form in forms {
                assert_eq!(folded(form), folded(forms[0]), "{form}");
            }
        }
        // Whose other form is longer, or is another letter of the Latin alphabet.
        assert_eq!(folded("Straße İ"), "straße İ");
        assert_eq!(folded("ISPARTA"), folded("ısparta"));
    }

    #[test]
    fn words_are_what_stands_between_spaces_and_the_first_eight_count() {
        let found = |text| words(text).collect::<Vec<_>>();
        assert_eq!(found(" Anesu\u{a0} Moyo\n"), ["Anesu", "Moyo"]);
        assert_eq!(found("a b c d e f g h i").len(), MAX_WORDS);
        assert!(found(" ").is_empty());
    }

    #[test]
    fn a_letter_is_folded_once_in_each_of_its_forms() {
        assert_eq!(foldings("Anna"), []);
        assert_eq!(foldings("ÉÉé"), [('É', 'é')]);
        assert_eq!(foldings("σ"), [('Σ', 'σ'), ('ς', 'σ')]);
        assert_eq!(foldings("ς"), [('ς', 'σ'), ('Σ', 'σ')]);
        assert_eq!(foldings("ı"), [('ı', 'i')]);
        assert_eq!(foldings("ß李"), []);
    }
}

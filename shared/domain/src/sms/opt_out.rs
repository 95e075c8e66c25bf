//! The words by which a phone says that it wants no more messages, wants them again, or asks what this is.

/// What a message from a phone asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// What is this?
    Help,
}

/// English as carriers fix it (CTIA), and what the word is in the languages around it.
const WORDS: [(Keyword, &[&str]); 3] = [
    (
        Keyword::Stop,
        &[
            "stop",
            "stopall",
            "unsubscribe",
            "cancel",
            "end",
            "quit",
            "optout",
            "arret",
            "arrêt",
            "alto",
            "parar",
            "pare",
            "stopp",
            "стоп",
            "توقف",
            "إيقاف",
            "acha",
            "stoppen",
        ],
    ),
    (
        Keyword::Start,
        &[
            "start",
            "unstop",
            "yes",
            "subscribe",
            "optin",
            "oui",
            "iniciar",
            "старт",
            "ابدأ",
            "anza",
        ],
    ),
    (
        Keyword::Help,
        &[
            "help",
            "info",
            "aide",
            "ayuda",
            "ajuda",
            "hilfe",
            "помощь",
            "مساعدة",
            "msaada",
        ],
    ),
];

/// What a text asks for, if it is one such word and nothing else but case, spaces and punctuation: a sentence with "stop" in it is a sentence.
#[must_use]
pub fn keyword(text: &str) -> Option<Keyword> {
    // The longest word has ten characters; a long text is not looked at.
    if text.len() > 64 {
        return None;
    }
    let word: String = text
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let only_one = text.split_whitespace().count() == 1
        || word == "stopall"
        || word == "optout"
        || word == "optin";
    WORDS
        .iter()
        .find(|(_, words)| only_one && words.contains(&word.as_str()))
        .map(|(keyword, _)| *keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_alone_counts_and_a_sentence_does_not() {
        for (text, expected) in [
            ("STOP", Some(Keyword::Stop)),
            (" stop. ", Some(Keyword::Stop)),
            ("\"Stop!\"", Some(Keyword::Stop)),
            ("Stop all", Some(Keyword::Stop)),
            ("opt-out", Some(Keyword::Stop)),
            ("Стоп", Some(Keyword::Stop)),
            ("ARRÊT", Some(Keyword::Stop)),
            ("start", Some(Keyword::Start)),
            ("Help?", Some(Keyword::Help)),
            ("please stop", None),
            ("Stop by the office tomorrow", None),
            ("nonstop", None),
            ("", None),
            ("!!!", None),
        ] {
            assert_eq!(keyword(text), expected, "{text:?}");
        }
        assert_eq!(keyword(&"stop ".repeat(100)), None);
    }
}

//! Names of people in many languages and scripts; most are from a small pool, so that equal names occur.

mod languages;

use languages::{ENGLISH, Language, NDEBELE, OTHERS, SHONA};

use crate::random::Random;

/// Families of this share of a thousand have a name of the common pool.
const COMMON: usize = 600;

/// Which forms of a name somebody bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sex {
    /// A man's.
    Male,
    /// A woman's.
    Female,
}

/// What the members of a family have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FamilyName {
    language: &'static Language,
    name: &'static str,
}

/// Gives names to families.
pub(crate) struct Names {
    random: Random,
    /// The languages beyond the common ones follow in turn, so that even a small school has all of them.
    others: std::iter::Cycle<std::slice::Iter<'static, Language>>,
}

impl Names {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "names"),
            others: OTHERS.iter().cycle(),
        }
    }

    /// The name of another family.
    pub(crate) fn family(&mut self) -> FamilyName {
        let common = match self.random.below(10) {
            0..5 => &SHONA,
            5..7 => &NDEBELE,
            _ => &ENGLISH,
        };
        let language = if self.random.chance(COMMON) {
            common
        } else {
            self.others.next().unwrap_or(common)
        };
        FamilyName {
            language,
            name: self.random.pick(language.families),
        }
    }

    /// A given name that goes with the family.
    pub(crate) fn given(&mut self, family: FamilyName, sex: Sex) -> &'static str {
        self.random.pick(match sex {
            Sex::Male => family.language.men,
            Sex::Female => family.language.women,
        })
    }

    /// Another family of the same language.
    pub(crate) fn relative(&mut self, family: FamilyName) -> FamilyName {
        FamilyName {
            name: self.random.pick(family.language.families),
            ..family
        }
    }

    /// A second given name, which about a third has, or nothing.
    pub(crate) fn middle(&mut self, family: FamilyName, sex: Sex, first: &str) -> &'static str {
        let name = self.given(family, sex);
        if self.random.chance(350) && name != first {
            name
        } else {
            ""
        }
    }
}

impl FamilyName {
    /// The form that men or women of the family bear.
    pub(crate) fn of(self, sex: Sex) -> &'static str {
        match self.name.split_once('|') {
            None => self.name,
            Some((men, women)) => match sex {
                Sex::Male => men,
                Sex::Female => women,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_language_occurs_in_a_small_school_and_common_names_prevail() {
        let mut names = Names::new(1);
        let families: Vec<FamilyName> = (0..200).map(|_| names.family()).collect();
        let others: BTreeSet<&str> = families
            .iter()
            .filter_map(|family| {
                OTHERS
                    .iter()
                    .position(|language| std::ptr::eq(language, family.language))
            })
            .map(|n| OTHERS[n].men[0])
            .collect();
        assert_eq!(others.len(), OTHERS.len());
        let common = families
            .iter()
            .filter(|family| {
                !OTHERS
                    .iter()
                    .any(|language| std::ptr::eq(language, family.language))
            })
            .count();
        assert!((100..140).contains(&common), "{common}");
    }

    #[test]
    fn a_family_name_has_the_form_of_who_bears_it() {
        let family = FamilyName {
            language: &SHONA,
            name: "Орлов|Орлова",
        };
        assert_eq!(
            (family.of(Sex::Male), family.of(Sex::Female)),
            ("Орлов", "Орлова")
        );
        let family = FamilyName {
            language: &SHONA,
            name: "Moyo",
        };
        assert_eq!(
            (family.of(Sex::Male), family.of(Sex::Female)),
            ("Moyo", "Moyo")
        );
    }

    #[test]
    fn names_are_whole() {
        for language in OTHERS.iter().chain([&SHONA, &NDEBELE, &ENGLISH]) {
            let families = language.families.iter().flat_map(|name| name.split('|'));
            for name in language
                .men
                .iter()
                .chain(language.women)
                .copied()
                .chain(families)
            {
                assert_eq!(name, name.trim());
                assert!((1..=100).contains(&name.chars().count()), "{name}");
            }
        }
    }
}

//! What a set of permissions allows.

use serde::{Deserialize, Serialize};

use super::Entry;

/// A set of codenames and patterns that end in `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PermissionSet(Vec<String>);

impl PermissionSet {
    /// A set of codenames and patterns, sorted and without repetitions.
    #[must_use]
    pub fn new(mut codenames: Vec<String>) -> Self {
        codenames.sort_unstable();
        codenames.dedup();
        Self(codenames)
    }

    /// The codenames and patterns.
    #[must_use]
    pub fn codenames(&self) -> &[String] {
        &self.0
    }

    /// Whether the set allows an action.
    #[must_use]
    pub fn allows(&self, codename: &str) -> bool {
        self.0.iter().any(|held| covers(held, codename))
    }

    /// The first of `others` that this set does not cover: nobody grants what they lack.
    #[must_use]
    pub fn first_lacking<'a>(&self, others: &'a [String]) -> Option<&'a str> {
        others
            .iter()
            .map(String::as_str)
            .find(|wanted| !self.0.iter().any(|held| covers(held, wanted)))
    }

    /// Whether this is everything, in every area.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0.iter().any(|held| held == "*")
    }

    /// The catalogue's codenames that the set allows, patterns spelled out.
    #[must_use]
    pub fn expand(&self, catalogue: impl IntoIterator<Item = &'static Entry>) -> Vec<&'static str> {
        catalogue
            .into_iter()
            .map(|entry| entry.codename)
            .filter(|codename| self.allows(codename))
            .collect()
    }
}

/// A held pattern covers a codename, or a narrower pattern.
fn covers(held: &str, wanted: &str) -> bool {
    match held.strip_suffix('*') {
        Some(stem) => wanted.starts_with(stem),
        None => held == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(codenames: &[&str]) -> PermissionSet {
        PermissionSet::new(codenames.iter().map(|&c| c.to_owned()).collect())
    }

    #[test]
    fn a_pattern_allows_what_it_begins_and_nothing_else() {
        let viewer = set(&["school.view_*"]);
        assert!(viewer.allows("school.view_user"));
        assert!(!viewer.allows("school.change_user"));
        assert!(!viewer.allows("system.view_user"));
        assert!(set(&["school.*"]).allows("school.delete_role"));
        assert!(!set(&["school.*"]).allows("system.view_school"));
        assert!(!set(&[]).allows("school.view_user"));
    }

    #[test]
    fn nobody_grants_what_they_lack() {
        let mine = set(&["school.view_*", "school.add_user"]);
        let want = |codenames: &[&str]| codenames.iter().map(|&c| c.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            mine.first_lacking(&want(&["school.view_user", "school.add_user"])),
            None
        );
        assert_eq!(mine.first_lacking(&want(&["school.view_u*"])), None);
        assert_eq!(
            mine.first_lacking(&want(&["school.add_user", "school.add_*"])),
            Some("school.add_*")
        );
        assert_eq!(mine.first_lacking(&want(&["*"])), Some("*"));
    }
}

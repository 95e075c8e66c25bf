//! Permissions: what exists, and what a set of them allows.

use serde::{Deserialize, Serialize};

/// A permission as a type: extractors ask for it, so a handler cannot be written without naming one.
pub trait Permission: Send + Sync + 'static {
    /// `<area>.<verb>_<resource>`.
    const CODENAME: &'static str;
}

/// A line of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Stable number; platform roles name permissions by it.
    pub id: i64,
    /// `<area>.<verb>_<resource>`.
    pub codename: &'static str,
    /// For people.
    pub name: &'static str,
}

macro_rules! catalogue {
    ($($area:ident { $($marker:ident = $id:literal, $codename:literal, $name:literal;)* })*) => {$(
        #[doc = concat!("The permissions of the ", stringify!($area), " area.")]
        pub mod $area {
            use super::{Entry, Permission};
            $(
                #[doc = concat!($name, ".")]
                #[derive(Clone, Copy, Debug)]
                pub struct $marker;
                impl Permission for $marker {
                    const CODENAME: &'static str = $codename;
                }
            )*
            /// Every permission of the area, in the order of their numbers.
            pub const CATALOGUE: &[Entry] = &[$(Entry { id: $id, codename: $codename, name: $name },)*];
        }
    )*};
}

catalogue! {
    system {
        ViewSchool = 1, "system.view_school", "View schools";
        AddSchool = 2, "system.add_school", "Create schools";
        ChangeSchool = 3, "system.change_school", "Change schools";
        DeleteSchool = 4, "system.delete_school", "Delete and restore schools";
        SuspendSchool = 5, "system.suspend_school", "Suspend and activate schools";
        ViewUser = 6, "system.view_user", "View platform users";
        AddUser = 7, "system.add_user", "Create platform users";
        ChangeUser = 8, "system.change_user", "Change platform users";
        DeleteUser = 9, "system.delete_user", "Delete platform users";
        ViewRole = 10, "system.view_role", "View platform roles";
        AddRole = 11, "system.add_role", "Create platform roles";
        ChangeRole = 12, "system.change_role", "Change platform roles";
        DeleteRole = 13, "system.delete_role", "Delete platform roles";
        ViewApiKey = 14, "system.view_api_key", "View API keys";
        AddApiKey = 15, "system.add_api_key", "Create API keys";
        ChangeApiKey = 16, "system.change_api_key", "Change and rotate API keys";
        DeleteApiKey = 17, "system.delete_api_key", "Revoke API keys";
        ViewAuditLog = 18, "system.view_audit_log", "View the platform's audit log";
    }
    school {
        ViewUser = 101, "school.view_user", "View users";
        AddUser = 102, "school.add_user", "Create users";
        ChangeUser = 103, "school.change_user", "Change users";
        DeleteUser = 104, "school.delete_user", "Delete users";
        ViewStaff = 105, "school.view_staff", "View staff";
        AddStaff = 106, "school.add_staff", "Create staff";
        ChangeStaff = 107, "school.change_staff", "Change staff";
        DeleteStaff = 108, "school.delete_staff", "Delete staff";
        ViewRole = 109, "school.view_role", "View roles";
        AddRole = 110, "school.add_role", "Create roles";
        ChangeRole = 111, "school.change_role", "Change roles";
        DeleteRole = 112, "school.delete_role", "Delete roles";
        ViewUserRoleAssignment = 113, "school.view_user_role_assignment", "View role assignments";
        AddUserRoleAssignment = 114, "school.add_user_role_assignment", "Assign roles";
        ChangeUserRoleAssignment = 115, "school.change_user_role_assignment", "Change role assignments";
        DeleteUserRoleAssignment = 116, "school.delete_user_role_assignment", "Withdraw roles";
        ViewAuditLog = 117, "school.view_audit_log", "View the audit log";
    }
}

/// The catalogue entry of a codename, in either area.
#[must_use]
pub fn find(codename: &str) -> Option<Entry> {
    system::CATALOGUE
        .iter()
        .chain(school::CATALOGUE)
        .find(|entry| entry.codename == codename)
        .copied()
}

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

    /// Everything, in both areas: a platform superadministrator's.
    #[must_use]
    pub fn everything() -> Self {
        Self(vec!["*".to_owned()])
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

    /// Whether this is everything, in both areas.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0.iter().any(|held| held == "*")
    }

    /// The catalogue's codenames that the set allows, patterns spelled out.
    #[must_use]
    pub fn expand(&self, catalogue: &[Entry]) -> Vec<&'static str> {
        catalogue
            .iter()
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

/// Why a scope or codename cannot be granted.
#[must_use]
pub fn unknown_scope(scope: &str) -> bool {
    match scope.strip_suffix('*') {
        Some("") => false,
        Some(stem) => !system::CATALOGUE
            .iter()
            .chain(school::CATALOGUE)
            .any(|e| e.codename.starts_with(stem)),
        None => find(scope).is_none(),
    }
}

/// A role that every new school starts with.
#[derive(Clone, Copy, Debug)]
pub struct DefaultRole {
    /// Its stable key.
    pub builtin: &'static str,
    /// Its name, which the school may change.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
    /// The role whose permissions it inherits.
    pub parent: Option<&'static str>,
    /// Its own permissions.
    pub permissions: &'static [&'static str],
}

/// The key of the role that must never be without a holder.
pub const ADMINISTRATOR: &str = "administrator";

/// The roles that every new school starts with, parents before children.
pub const DEFAULT_SCHOOL_ROLES: &[DefaultRole] = &[
    DefaultRole {
        builtin: ADMINISTRATOR,
        name: "Administrator",
        description: "Everything in this school.",
        parent: None,
        permissions: &["school.*"],
    },
    DefaultRole {
        builtin: "teacher",
        name: "Teacher",
        description: "Teaches: sees colleagues.",
        parent: None,
        permissions: &["school.view_staff"],
    },
    DefaultRole {
        builtin: "head",
        name: "Head teacher",
        description: "Leads the school: a teacher who also sees people, roles and the audit log.",
        parent: Some("teacher"),
        permissions: &[
            "school.view_user",
            "school.view_role",
            "school.view_user_role_assignment",
            "school.view_audit_log",
        ],
    },
    DefaultRole {
        builtin: "office",
        name: "Office",
        description: "Keeps the records of users and staff.",
        parent: None,
        permissions: &[
            "school.view_user",
            "school.add_user",
            "school.change_user",
            "school.view_staff",
            "school.add_staff",
            "school.change_staff",
        ],
    },
    DefaultRole {
        builtin: "student",
        name: "Student",
        description: "Sees what is the student's own.",
        parent: None,
        permissions: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn set(codenames: &[&str]) -> PermissionSet {
        PermissionSet::new(codenames.iter().map(|&c| c.to_owned()).collect())
    }

    #[test]
    fn numbers_and_codenames_are_unique_and_well_formed() {
        let all: Vec<Entry> = system::CATALOGUE
            .iter()
            .chain(school::CATALOGUE)
            .copied()
            .collect();
        let ids: std::collections::BTreeSet<i64> = all.iter().map(|e| e.id).collect();
        let names: std::collections::BTreeSet<&str> = all.iter().map(|e| e.codename).collect();
        assert_eq!((ids.len(), names.len()), (all.len(), all.len()));
        for entry in all {
            let (area, rest) = entry.codename.split_once('.').unwrap();
            assert!(matches!(area, "system" | "school"));
            assert!(rest.contains('_'), "{}", entry.codename);
        }
    }

    #[test]
    fn a_pattern_allows_what_it_begins_and_nothing_else() {
        let viewer = set(&["school.view_*"]);
        assert!(viewer.allows("school.view_user"));
        assert!(!viewer.allows("school.change_user"));
        assert!(!viewer.allows("system.view_user"));
        assert!(set(&["school.*"]).allows("school.delete_role"));
        assert!(!set(&["school.*"]).allows("system.view_school"));
        assert!(PermissionSet::everything().allows("system.view_school"));
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

    #[test]
    fn scopes_name_something_that_exists() {
        assert!(!unknown_scope("*"));
        assert!(!unknown_scope("school.view_*"));
        assert!(!unknown_scope("school.view_user"));
        assert!(unknown_scope("school.fly_*"));
        assert!(unknown_scope("school.view_dragon"));
    }

    #[test]
    fn default_roles_name_existing_permissions_and_earlier_parents() {
        let mut seen: Vec<&str> = Vec::new();
        for role in DEFAULT_SCHOOL_ROLES {
            assert!(
                role.permissions.iter().all(|p| !unknown_scope(p)),
                "{}",
                role.name
            );
            assert!(
                role.parent.is_none_or(|parent| seen.contains(&parent)),
                "{}",
                role.name
            );
            seen.push(role.builtin);
        }
        assert!(seen.contains(&ADMINISTRATOR));
    }
}

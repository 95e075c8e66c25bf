//! What must hold of the databases whatever happened to a request.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::TestApp;

impl TestApp {
    /// Checks everything that must always hold.
    ///
    /// # Panics
    /// With what is broken.
    pub fn assert_sound(&self) {
        for binding in std::iter::once("CONTROL".to_owned()).chain(self.open_slots()) {
            self.assert_sound_database(&binding);
        }
        for slot in self.open_slots() {
            let left = self.rows(&slot, "select rule from academic_guards");
            assert_eq!(
                left,
                Vec::<Vec<Value>>::new(),
                "{slot}: a guard of a rule that its table does not know"
            );
        }
        let broken = [
            (
                "a school without its slot",
                "select schema_name from tenants t where not exists \
                 (select 1 from slots s where s.binding = t.slot and s.tenant_id = t.id)",
            ),
            (
                "a slot without its school",
                "select binding from slots s where tenant_id is not null and not exists \
                 (select 1 from tenants t where t.id = s.tenant_id and t.slot = s.binding)",
            ),
            (
                "a school without its default host",
                "select schema_name from tenants t where not exists \
                 (select 1 from tenant_domains d where d.tenant_id = t.id and d.is_default = 1)",
            ),
            (
                "an open school that waits for its administrator",
                "select schema_name from tenants where status = 'active' and pending_admin is not null",
            ),
        ];
        for (what, sql) in broken {
            assert_eq!(
                self.rows("CONTROL", sql),
                Vec::<Vec<Value>>::new(),
                "{what}"
            );
        }
    }

    fn assert_sound_database(&self, binding: &str) {
        let broken = [
            ("a reference to nothing", "pragma foreign_key_check"),
            (
                "a user whose last change has no audit row",
                "select u.id from users u where u.id <> '01900000-0000-7000-8000-000000000002' and not exists \
                 (select 1 from audit_logs l where l.table_name = 'users' and l.record_id = u.id \
                  and l.timestamp = u.updated_at)",
            ),
            (
                "a role whose last change has no audit row",
                "select r.id from roles r where (r.builtin is null or r.updated_at <> r.created_at) and not exists \
                 (select 1 from audit_logs l where l.table_name = 'roles' and l.record_id = r.id \
                  and l.timestamp = r.updated_at)",
            ),
            ("a guard that was left behind", "select rule from guards"),
        ];
        for (what, sql) in broken {
            assert_eq!(
                self.rows(binding, sql),
                Vec::<Vec<Value>>::new(),
                "{binding}: {what}"
            );
        }
        let administrators = self.count(
            binding,
            "select count(*) from users u join user_roles ur on ur.user_id = u.id join roles r on r.id = ur.role_id \
             where r.builtin = 'administrator' and u.is_active = 1 and u.deleted_at is null",
        );
        assert!(
            administrators > 0,
            "{binding} has nobody who administers it"
        );
    }

    /// The databases of schools that are filled.
    #[must_use]
    pub fn open_slots(&self) -> Vec<String> {
        let sql = "select slot from tenants where pending_admin is null order by slot";
        self.rows("CONTROL", sql)
            .into_iter()
            .filter_map(|row| row[0].as_str().map(str::to_owned))
            .collect()
    }

    /// How many rows every table has, over all databases.
    #[must_use]
    pub fn row_counts(&self) -> BTreeMap<String, i64> {
        let mut counts = BTreeMap::new();
        for binding in std::iter::once("CONTROL".to_owned()).chain(self.open_slots()) {
            let plane = if binding == "CONTROL" {
                "control"
            } else {
                "school"
            };
            for table in self.tables(&binding) {
                let rows = self.count(&binding, &format!("select count(*) from {table}"));
                *counts.entry(format!("{plane}.{table}")).or_default() += rows;
            }
        }
        counts
    }

    /// The names of a database's tables.
    #[must_use]
    pub fn tables(&self, binding: &str) -> Vec<String> {
        let sql = "select name from pragma_table_list where schema = 'main' and type = 'table' \
                   and name not like 'sqlite_%' order by name";
        self.rows(binding, sql)
            .into_iter()
            .filter_map(|row| row[0].as_str().map(str::to_owned))
            .collect()
    }

    /// Everything in a database, as text.
    #[must_use]
    pub fn dump(&self, binding: &str) -> String {
        let tables = self.tables(binding).into_iter();
        let dumps = tables.map(|table| {
            format!(
                "{table}: {:?}",
                self.rows(binding, &format!("select * from {table} order by 1"))
            )
        });
        dumps.collect::<Vec<_>>().join("\n")
    }
}

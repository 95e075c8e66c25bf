//! Grading scales and comments by bands of marks.

use homeroom_domain::{
    academics::grading::Band,
    records::{Field, Kind, Literal, Record},
};
use homeroom_kernel::{Listing, page::FilterKind};
use serde::Deserialize;
use serde_json::json;

use crate::{
    batch::{Action, Batch, Stamp},
    connection::TenantDb,
    error::StoreError,
    records::{self, Rule, Table},
    sql::{Value, sql},
};

const TEXT: Kind = Kind::Text { min: 0, max: 1_000 };

/// The bands of grading scales.
pub static ACADEMIC_SETTINGS: Table = Table {
    name: "academic_settings",
    fields: &[
        Field::required(
            "grade",
            Kind::Text { min: 1, max: 255 },
            "What the card shows, such as \"A\"; unique in the level.",
        ),
        Field::required(
            "rank",
            Kind::Integer {
                min: 1,
                max: 10_000,
            },
            "1 is the best grade; unique in the level.",
        ),
        Field::nullable(
            "level",
            Kind::Text { min: 1, max: 50 },
            "The level; null: every level that has no bands of its own.",
        ),
        Field::required("min_mark", Kind::Mark, "The lowest mark."),
        Field::required("max_mark", Kind::Mark, "The highest mark."),
        Field::or(
            "description",
            Kind::Text { min: 0, max: 255 },
            Literal::Text(""),
            "Such as \"Distinction\".",
        ),
        Field::or(
            "comment",
            TEXT,
            Literal::Text(""),
            "Fills a subject's line where no other comment does.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("level", "t.level collate nocase"),
            ("rank", "t.rank"),
            ("grade", "t.grade collate nocase"),
            ("min_mark", "t.min_mark"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "level,rank",
        search: &["t.grade", "t.description"],
        filters: &[
            ("level", FilterKind::Text, "t.level = ?"),
            ("grade", FilterKind::Text, "t.grade = ?"),
        ],
    },
    rules: &[Rule {
        name: "bands_overlap",
        broken: "exists (select 1 from academic_settings t join academic_settings o on o.level is t.level collate nocase \
                 and o.id <> t.id where t.id = ?1 and t.min_mark <= o.max_mark and o.min_mark <= t.max_mark)",
    }],
    ..Table::PLAIN
};

const COMMENTS: Table = Table {
    name: "comment_templates",
    fields: &[
        Field::required(
            "level",
            Kind::Text { min: 1, max: 50 },
            "The level, as the form writes it.",
        ),
        Field::required("min_mark", Kind::Mark, "The lowest mark or average."),
        Field::required("max_mark", Kind::Mark, "The highest mark or average."),
        Field::required(
            "text",
            Kind::Text { min: 1, max: 1_000 },
            "What the card says.",
        ),
    ],
    listing: Listing {
        orderings: &[
            ("level", "t.level collate nocase"),
            ("min_mark", "t.min_mark"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "level,-min_mark",
        search: &["t.text"],
        filters: &[("level", FilterKind::Text, "t.level = ?")],
    },
    rules: &[Rule {
        name: "comments_overlap",
        broken: "exists (select 1 from comment_templates t join comment_templates o on o.kind = t.kind \
                 and o.level = t.level collate nocase and o.id <> t.id where t.id = ?1 \
                 and t.min_mark <= o.max_mark and o.min_mark <= t.max_mark)",
    }],
    ..Table::PLAIN
};

/// Remarks that teachers choose from, by the mark of a subject.
pub static TEACHER_COMMENTS: Table = Table {
    constants: &[("kind", "teacher")],
    ..COMMENTS
};

/// What fills a subject's line by its mark.
pub static GRADE_COMMENTS: Table = Table {
    constants: &[("kind", "teacher_grade")],
    ..COMMENTS
};

/// The class teacher's remark by the average.
pub static CLASS_TEACHER_COMMENTS: Table = Table {
    constants: &[("kind", "class_teacher")],
    ..COMMENTS
};

/// The head teacher's remark by the average.
pub static HEAD_TEACHER_COMMENTS: Table = Table {
    constants: &[("kind", "head_teacher")],
    ..COMMENTS
};

/// A band of a scale in force.
#[derive(Clone, Debug, Deserialize)]
pub struct BandRow {
    /// Null: of every level without bands of its own.
    pub level: Option<String>,
    grade: String,
    rank: u32,
    min_mark: homeroom_domain::academics::marks::Mark,
    max_mark: homeroom_domain::academics::marks::Mark,
    description: String,
    comment: String,
}

impl From<BandRow> for Band {
    fn from(row: BandRow) -> Self {
        Self {
            grade: row.grade,
            rank: row.rank,
            min_mark: row.min_mark,
            max_mark: row.max_mark,
            description: row.description,
            comment: row.comment,
        }
    }
}

/// Every band, and the level of every form.
pub(crate) const BANDS: &str =
    "select level, grade, rank, min_mark, max_mark, description, comment from academic_settings";

#[derive(Deserialize)]
struct LevelRow {
    level: String,
}

/// The bands of every scale, and the levels of the school's forms.
pub async fn all_bands(db: &TenantDb) -> Result<(Vec<BandRow>, Vec<String>), StoreError> {
    let statements = vec![
        sql!(BANDS),
        sql!("select distinct level from forms order by level"),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let bands = outcomes.rows()?;
    let levels: Vec<LevelRow> = outcomes.rows()?;
    Ok((bands, levels.into_iter().map(|row| row.level).collect()))
}

/// The bands of a level's own scale, as records.
pub async fn scale(db: &TenantDb, level: Option<&str>) -> Result<Vec<Record>, StoreError> {
    records::all(
        db,
        &ACADEMIC_SETTINGS,
        "ifnull(t.level, '') = ifnull(?1, '') collate nocase",
        vec![level.map(str::to_owned).into()],
    )
    .await
}

/// Replaces a level's whole scale: bands keep the records of the grades that stay. Refused with `changed_meanwhile` where
/// the scale is no longer the one that was read.
pub fn replace_scale(
    stamp: &Stamp<'_>,
    level: Option<&str>,
    before: &[Record],
    bands: Vec<Record>,
) -> Result<(Batch, Vec<Record>), StoreError> {
    let mut batch = Batch::default();
    let level: Value = level.map(str::to_owned).into();
    let known: Vec<_> = before
        .iter()
        .map(|band| json!([band.get("id"), moment(band)]))
        .collect();
    batch.guard(
        "changed_meanwhile",
        "(select count(*) from academic_settings where ifnull(level, '') = ifnull(?1, '') collate nocase) <> json_array_length(?2) \
         or exists (select 1 from json_each(?2) j where not exists (select 1 from academic_settings t \
         where t.id = json_extract(j.value, '$[0]') and t.updated_at = json_extract(j.value, '$[1]')))",
        vec![level.clone(), json!(known).to_string().into()],
    );
    batch.push(sql!(
        "delete from academic_settings where ifnull(level, '') = ifnull(?1, '') collate nocase",
        level
    ));
    let same = |one: &Record, other: &Record| one.get("grade") == other.get("grade");
    let mut after = Vec::new();
    for mut band in bands {
        let old = before.iter().find(|old| same(old, &band));
        let mut record = match old {
            Some(old) => old.clone(),
            None => records::new_record(stamp, Record::new()),
        };
        record.append(&mut band);
        let action = match old {
            Some(old) if *old == record => None,
            Some(_) => Some(Action::Update),
            None => Some(Action::Create),
        };
        if action.is_some() {
            record.insert("updated_at".to_owned(), json!(stamp.now));
        }
        batch.push(records::row(&ACADEMIC_SETTINGS, &record)?);
        let id = homeroom_domain::records::text(&record, "id").to_owned();
        if let Some(action) = action {
            batch.audit(
                stamp,
                action,
                ACADEMIC_SETTINGS.name,
                &id,
                old,
                Some(&record),
            );
        }
        after.push(record);
    }
    for gone in before {
        if !after.iter().any(|band| same(band, gone)) {
            let id = homeroom_domain::records::text(gone, "id");
            let nothing = None::<&Record>;
            batch.audit(
                stamp,
                Action::Delete,
                ACADEMIC_SETTINGS.name,
                id,
                Some(gone),
                nothing,
            );
        }
    }
    Ok((batch, after))
}

fn moment(record: &Record) -> Option<i64> {
    let moment = homeroom_domain::records::moment(record, "updated_at");
    moment.map(homeroom_kernel::Timestamp::millis)
}

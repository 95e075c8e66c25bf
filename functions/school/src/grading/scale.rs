//! Whole grading scales: what is wrong with them, and replacing one at once.

use std::collections::{BTreeMap, BTreeSet};

use homeroom_domain::{
    academics::grading::{Band, Scale, ScaleFault, is_of_level},
    permissions::{
        Permission,
        school::{
            AddAcademicSetting, ChangeAcademicSetting, DeleteAcademicSetting, ViewAcademicSetting,
        },
    },
    records::{self, Record},
};
use homeroom_edge::{ApiError, Body, Json, Query, SchoolCan};
use homeroom_kernel::{FieldErrors, Fields, Input, rules};
use homeroom_store::{
    records::Ordered,
    school::grading::{self, ACADEMIC_SETTINGS, BandRow},
};
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

const MAX_BANDS: usize = 50;

/// Scales with what is wrong with each.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScaleChecksOut {
    /// The school's scale for every level without one of its own, and one entry per level.
    results: Vec<ScaleCheckOut>,
}

/// A level's scale and what is wrong with it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScaleCheckOut {
    /// The level; null: the scale of every level without bands of its own.
    level: Option<String>,
    /// How many bands it has.
    bands: usize,
    /// Whether every mark from 0 to 100 has exactly one grade.
    is_complete: bool,
    /// What is wrong, for people.
    faults: Vec<String>,
}

/// Which scale to check.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; LevelIn reads them"
)]
pub(crate) struct LevelFilter {
    /// Only this level.
    #[param(max_length = 50)]
    level: Option<String>,
}

pub(crate) struct LevelIn(Option<String>);

impl Input for LevelIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.optional("level", rules::text(1, 50)).map(Self)
    }
}

/// What is wrong with each level's bands: the levels that have some, and those of forms that are left without any.
pub(crate) fn checks(
    rows: Vec<BandRow>,
    levels: Vec<String>,
) -> BTreeMap<Option<String>, (usize, Vec<ScaleFault>)> {
    let mut scales: BTreeMap<Option<String>, Vec<Band>> = BTreeMap::new();
    for row in rows {
        let known = scales
            .keys()
            .find(|known| is_of_level(known.as_deref(), row.level.as_deref()));
        let level = known.unwrap_or(&row.level).clone();
        scales.entry(level).or_default().push(row.into());
    }
    if !scales.contains_key(&None) {
        for level in levels.into_iter().map(Some) {
            if !scales
                .keys()
                .any(|known| is_of_level(known.as_deref(), level.as_deref()))
            {
                scales.insert(level, Vec::new());
            }
        }
    }
    let check = |(level, bands): (Option<String>, Vec<Band>)| {
        let count = bands.len();
        (level, (count, Scale::new(bands).err().unwrap_or_default()))
    };
    scales.into_iter().map(check).collect()
}

/// What is wrong with the grading scales
#[utoipa::path(get, path = "/api/v1/school/academic-settings/check/", tag = "grading", params(LevelFilter),
    responses((status = 200, body = ScaleChecksOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn check_scales(
    caller: SchoolCan<ViewAcademicSetting>,
    query: Query,
) -> Result<Json<ScaleChecksOut>, ApiError> {
    let LevelIn(level) = query.read()?;
    let (bands, levels) = grading::all_bands(&caller.db).await?;
    let results = checks(bands, levels)
        .into_iter()
        .filter(|(own, _)| level.is_none() || is_of_level(own.as_deref(), level.as_deref()))
        .map(|(level, (bands, faults))| ScaleCheckOut {
            level,
            bands,
            is_complete: faults.is_empty(),
            faults: faults.iter().map(ToString::to_string).collect(),
        })
        .collect();
    Ok(Json(ScaleChecksOut { results }))
}

/// A whole grading scale.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; ScaleIn reads it"
)]
pub(crate) struct ScaleBody {
    /// The level; null or absent: every level that has no bands of its own.
    #[schema(max_length = 50, example = "O Level")]
    level: Option<String>,
    /// All its bands: together they give every mark from 0 to 100 one grade.
    #[schema(max_items = 50, example = json!([
        {"grade": "Pass", "rank": 1, "min_mark": 50, "max_mark": 100},
        {"grade": "Fail", "rank": 2, "min_mark": 0, "max_mark": 49},
    ]))]
    bands: Vec<BandBody>,
}

/// A band of a scale.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; ScaleIn reads it"
)]
pub(crate) struct BandBody {
    /// What the card shows.
    #[schema(min_length = 1, max_length = 255, example = "A")]
    grade: String,
    /// 1 is the best grade.
    #[schema(minimum = 1, maximum = 10_000)]
    rank: i64,
    /// The lowest mark.
    #[schema(minimum = 0, maximum = 100)]
    min_mark: f64,
    /// The highest mark.
    #[schema(minimum = 0, maximum = 100)]
    max_mark: f64,
    /// Such as "Distinction".
    #[schema(max_length = 255, nullable = false)]
    description: Option<String>,
    /// Fills a subject's line where no other comment does.
    #[schema(max_length = 1_000, nullable = false)]
    comment: Option<String>,
}

/// A level's whole scale as it is now.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the answer for the document; ScaleReply writes it"
)]
pub(crate) struct ScaleOut {
    /// The level; null: every level that has no bands of its own.
    level: Option<String>,
    /// Its bands; those of grades that stayed keep their ids.
    bands: Vec<ScaleBandOut>,
}

/// A grade of a scale.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the answer for the document; the record writes it"
)]
pub(crate) struct ScaleBandOut {
    /// The record.
    id: uuid::Uuid,
    /// What the card shows.
    grade: String,
    /// 1 is the best grade.
    rank: i64,
    /// The level.
    level: Option<String>,
    /// The lowest mark.
    min_mark: f64,
    /// The highest mark.
    max_mark: f64,
    /// Such as "Distinction".
    description: String,
    /// Fills a subject's line where no other comment does.
    comment: String,
    /// When it was created.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// By whom.
    created_by: Option<uuid::Uuid>,
}

#[derive(Serialize)]
pub(crate) struct ScaleReply {
    level: Option<String>,
    #[serde(serialize_with = "in_order")]
    bands: Vec<Record>,
}

fn in_order<S: Serializer>(bands: &[Record], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(bands.iter().map(|band| Ordered(&ACADEMIC_SETTINGS, band)))
}

/// A level with the bands that its scale shall have.
pub(crate) struct ScaleIn {
    level: Option<String>,
    bands: Vec<Record>,
}

impl Input for ScaleIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let level = fields.nullable("level", rules::text(1, 50));
        let bands = fields.required("bands", whole_scale);
        let level = level?.flatten();
        let mut bands = bands?;
        for band in &mut bands {
            band.insert("level".to_owned(), level.clone().into());
        }
        Some(Self { level, bands })
    }
}

/// Bands that make a whole scale, with all that is wrong in one message.
fn whole_scale(value: &Value) -> Result<Vec<Record>, String> {
    let records = rules::list(MAX_BANDS, band)(value)?;
    let bands = records
        .iter()
        .map(|record| serde_json::from_value(Value::Object(record.clone())))
        .collect::<Result<Vec<Band>, _>>()
        .map_err(|error| error.to_string())?;
    match Scale::new(bands) {
        Ok(_) => Ok(records),
        Err(faults) => {
            let faults: BTreeSet<String> = faults.iter().map(ToString::to_string).collect();
            Err(faults.into_iter().collect::<Vec<_>>().join(" "))
        }
    }
}

fn band(value: &Value) -> Result<Record, String> {
    let Value::Object(map) = value else {
        return Err("Expected an object.".into());
    };
    let said = |errors: FieldErrors| {
        let all = errors.messages().iter();
        let all = all.map(|(field, messages)| format!("{field}: {}", messages.join(" ")));
        all.collect::<Vec<_>>().join(" ")
    };
    let mut map = map.clone();
    map.remove("level");
    let mut record = records::read(ACADEMIC_SETTINGS.fields, map, false).map_err(said)?;
    record.remove("level");
    Ok(record)
}

/// Replace a level's whole grading scale
///
/// Cards that are published keep the scale that they used. Bands may come and go, so this needs to add, change and delete them.
#[utoipa::path(put, path = "/api/v1/school/academic-settings/scale/", tag = "grading", request_body = ScaleBody,
    responses((status = 200, body = ScaleOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_scale(
    caller: SchoolCan<ChangeAcademicSetting>,
    body: Body<ScaleIn>,
) -> Result<Json<ScaleReply>, ApiError> {
    caller.require_all(&[
        AddAcademicSetting::CODENAME,
        DeleteAcademicSetting::CODENAME,
    ])?;
    let ScaleIn { level, bands } = body.input;
    let before = grading::scale(&caller.db, level.as_deref()).await?;
    let (batch, mut bands) =
        grading::replace_scale(&caller.stamp(), level.as_deref(), &before, bands)?;
    caller.commit(batch).await?;
    bands.sort_by_key(|band| band.get("rank").and_then(Value::as_i64));
    Ok(Json(ScaleReply { level, bands }))
}

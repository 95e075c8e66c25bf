//! The forms in which cards and broadsheets are answered.

use axum::response::{IntoResponse, Response};
use homeroom_domain::csv;
use homeroom_edge::{ApiError, App, File};
use homeroom_objects::documents::DocumentRequest;
use homeroom_store::school::report_cards::Depth;
use http::header;
use serde_json::Value;

use super::{card::ReportCardOut, html, letterhead, sheet};

/// A form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Json,
    Html,
    Csv,
    Pdf,
}

impl Format {
    /// What must be known of the cards for it.
    pub(crate) fn depth(self) -> Depth {
        match self {
            Self::Json | Self::Csv => Depth::Cards,
            Self::Html | Self::Pdf => Depth::Print,
        }
    }

    /// The rule of the parameter.
    pub(crate) fn rule(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some("json") => Ok(Self::Json),
            Some("html") => Ok(Self::Html),
            Some("csv") => Ok(Self::Csv),
            Some("pdf") => Ok(Self::Pdf),
            _ => Err("Choose one of: \"json\", \"html\", \"csv\", \"pdf\".".into()),
        }
    }
}

/// A page that a browser shows.
pub(crate) fn web_page(request: &DocumentRequest) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, html::POLICY),
    ];
    (headers, html::page(request)).into_response()
}

/// A table for spreadsheets.
pub(crate) fn table(name: &str, text: String) -> Response {
    let file = File {
        content_type: csv::CONTENT_TYPE,
        name: format!("{name}.csv"),
        bytes: text.into_bytes(),
    };
    file.into_response()
}

/// A PDF, or a ZIP of several, from the documents Worker.
pub(crate) async fn print(app: &App, request: DocumentRequest) -> Result<Response, ApiError> {
    let name = request.title.clone();
    let printed = app.ports.documents.print(request).await?;
    let ending = if printed.content_type == homeroom_objects::documents::ZIP {
        "zip"
    } else {
        "pdf"
    };
    let file = File {
        content_type: printed.content_type,
        name: format!("{name}.{ending}"),
        bytes: printed.bytes,
    };
    Ok(file.into_response())
}

/// The lines of cards, one per student and subject.
pub(crate) fn card_lines(cards: &[ReportCardOut]) -> String {
    let mut file = csv::BYTE_ORDER_MARK.to_owned();
    // Only where the school gives points for attendance.
    let beside: &[&str] = if cards.iter().any(|card| card.body.raw_average.is_some()) {
        &["raw_average", "attendance_points"]
    } else {
        &[]
    };
    let parts = cards.first().map_or(&[][..], |card| &card.body.parts);
    csv::write_row(
        &mut file,
        [
            "student_number",
            "student_name",
            "class_name",
            "subject",
            "status",
            "mark",
            "grade",
            "passed",
            "coefficient",
            "position_in_class",
            "class_average",
            "comment",
            "total",
            "average",
            "card_position_in_class",
            "card_position_in_form",
        ]
        .into_iter()
        .chain(beside.iter().copied())
        .chain(parts.iter().map(|part| part.name.as_str())),
    );
    let or_blank = |text: Option<String>| text.unwrap_or_default();
    for card in cards {
        let body = &card.body;
        for line in &body.subjects {
            let mut row = vec![
                body.student_number.clone(),
                body.student_name.clone(),
                body.class_name.clone(),
                line.name.clone(),
                line.status.clone(),
                or_blank(line.mark.map(|mark| mark.to_string())),
                or_blank(line.grade.clone()),
                or_blank(line.passed.map(|passed| passed.to_string())),
                line.coefficient.to_string(),
                or_blank(line.position_in_class.map(|n| n.to_string())),
                or_blank(line.class_average.map(|n| n.to_string())),
                line.comment.clone(),
                body.total.to_string(),
                or_blank(body.average.map(|n| n.to_string())),
                or_blank(body.position_in_class.map(|n| n.to_string())),
                or_blank(body.position_in_form.map(|n| n.to_string())),
            ];
            if !beside.is_empty() {
                row.push(or_blank(body.raw_average.map(|n| n.to_string())));
                row.push(or_blank(body.attendance_points.map(|n| n.to_string())));
            }
            let scores = line.parts.iter();
            row.extend(scores.map(|score| match score.mark {
                Some(mark) => mark.to_string(),
                None => score.status.clone(),
            }));
            csv::write_row(&mut file, row.iter().map(String::as_str));
        }
    }
    file
}

/// The name of a card's file.
pub(crate) fn card_name(card: &ReportCardOut) -> String {
    format!("{} {}", card.body.student_number, card.body.student_name)
}

/// A card in one of the forms that are not JSON.
pub(crate) async fn answer_card(
    app: &App,
    format: Format,
    card: &ReportCardOut,
    logo: Option<String>,
) -> Result<Response, ApiError> {
    let name = card_name(card);
    if format == Format::Csv {
        return Ok(table(&name, card_lines(std::slice::from_ref(card))));
    }
    let letterhead = letterhead(&card.body.school_name, logo);
    let request = sheet::of_cards(letterhead, name, std::slice::from_ref(card));
    match format {
        Format::Html => Ok(web_page(&request)),
        Format::Pdf => print(app, request).await,
        Format::Json | Format::Csv => Ok(homeroom_edge::Json(card).into_response()),
    }
}

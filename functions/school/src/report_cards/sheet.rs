//! Cards as sheets: the one description from which a page for browsers and a PDF are made.

use homeroom_domain::academics::marks::Mark;
use homeroom_objects::documents::{
    Align, Column, DocumentRequest, Fact, Letterhead, MAX_SHORT, Orientation, Paragraph, Sheet,
    Table,
};

use super::{
    broadsheet::{BroadsheetOut, BroadsheetSubjectOut, cell_text},
    card::{CardBody, CardSubjectOut, ReportCardOut},
    shown,
};

/// A sheet per card.
pub(crate) fn of_cards(
    letterhead: Letterhead,
    title: String,
    cards: &[ReportCardOut],
) -> DocumentRequest {
    document(letterhead, title, cards.iter().map(card).collect())
}

/// A wide sheet.
pub(crate) fn of_broadsheet(letterhead: Letterhead, broadsheet: &BroadsheetOut) -> DocumentRequest {
    let sheet = wide(broadsheet);
    document(letterhead, sheet.file_name.clone(), vec![sheet])
}

pub(super) fn document(
    letterhead: Letterhead,
    title: String,
    sheets: Vec<Sheet>,
) -> DocumentRequest {
    DocumentRequest {
        title: short(title),
        letterhead,
        sheets,
        language: Some("en".to_owned()),
        ..DocumentRequest::default()
    }
}

/// More parts than a card has room for where it stands upright.
const MANY_PARTS: usize = 4;
/// Most characters of a part's name above its column.
const PART_HEADING: usize = 16;

/// A text as long as paper takes it, with an ellipsis where it was longer.
pub(super) fn short(text: String) -> String {
    shortened(text, MAX_SHORT)
}

fn shortened(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.pop();
        text.push('…');
    }
    text
}

pub(super) fn fact(label: &str, value: impl Into<String>) -> Fact {
    Fact {
        label: label.to_owned(),
        value: short(value.into()),
    }
}

pub(super) fn place(position: Option<u32>, size: u32) -> String {
    shown(position.map(|place| format!("{place} of {size}")))
}

/// The mark, or why there is none.
pub(super) fn mark(mark: Option<Mark>, status: &str) -> String {
    match (mark, status) {
        (Some(mark), _) => mark.to_string(),
        (None, "absent") => "Absent".to_owned(),
        (None, "not_taken") => "–".to_owned(),
        (None, _) => "Missing".to_owned(),
    }
}

pub(super) fn result(passed: Option<bool>) -> String {
    let result = match passed {
        Some(true) => "Pass",
        Some(false) => "Fail",
        None => "–",
    };
    result.to_owned()
}

pub(super) fn column(heading: &str, align: Align, weight: u16) -> Column {
    Column {
        heading: short(heading.to_owned()),
        align,
        weight,
    }
}

fn card(card: &ReportCardOut) -> Sheet {
    let body = &card.body;
    let (footer, watermark) = match (&card.published_at, card.is_withheld) {
        (_, true) => ("Withheld".to_owned(), Some("WITHHELD".to_owned())),
        (Some(published), _) => {
            let day: String = published.to_rfc3339().chars().take(10).collect();
            let version = card.version.unwrap_or_default();
            (format!("Version {version}, published {day}"), None)
        }
        (None, _) => ("Not published".to_owned(), Some("DRAFT".to_owned())),
    };
    Sheet {
        file_name: short(format!("{} {}", body.student_number, body.student_name)),
        title: "Report card".to_owned(),
        subtitle: short(if body.parts.iter().all(|part| part.term == body.term) {
            format!(
                "{} · Term {} · {}",
                body.exam_session_name, body.term, body.session_name
            )
        } else {
            format!("{} · {}", body.exam_session_name, body.session_name)
        }),
        facts: facts(body),
        table: Some(lines(body)),
        summary: summary(body),
        paragraphs: remarks(body),
        signatures: ["Class teacher", "Head teacher", "Parent or guardian"]
            .map(str::to_owned)
            .to_vec(),
        footer,
        watermark,
        orientation: if body.parts.len() < MANY_PARTS {
            Orientation::Portrait
        } else {
            Orientation::Landscape
        },
    }
}

fn facts(body: &CardBody) -> Vec<Fact> {
    let days = &body.attendance;
    let days: Vec<String> = [
        (days.present, "present"),
        (days.absent, "absent"),
        (days.late, "late"),
        (days.excused, "excused"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let days = Some(days.join(", ")).filter(|days| !days.is_empty());
    let mut facts = vec![
        fact("Student", &body.student_name),
        fact("Student number", &body.student_number),
        fact("Class", &body.class_name),
        fact("Form", format!("{} ({})", body.form_name, body.level)),
        fact("Class teacher", shown(body.class_teacher_name.as_ref())),
        fact("Attendance", shown(days)),
    ];
    if !body.parts.is_empty() {
        let parts = body.parts.iter();
        let parts = parts.map(|part| format!("{} × {}", part.weight, part.name));
        facts.push(fact("Marks from", parts.collect::<Vec<_>>().join(", ")));
    }
    facts
}

fn lines(body: &CardBody) -> Table {
    use Align::{Center, End, Start};
    let row = |subject: &CardSubjectOut| {
        let mut row = vec![subject.name.clone()];
        let parts = subject.parts.iter();
        row.extend(parts.map(|part| mark(part.mark, &part.status)));
        row.extend([
            mark(subject.mark, &subject.status),
            shown(subject.grade.as_ref()),
            result(subject.passed),
            place(subject.position_in_class, subject.number_sat),
            shown(subject.class_average),
            subject.coefficient.to_string(),
            subject.comment.clone(),
        ]);
        row
    };
    let mut columns = vec![column("Subject", Start, 22)];
    let headings = body.parts.iter();
    let headings = headings.map(|part| shortened(part.name.clone(), PART_HEADING));
    columns.extend(headings.map(|heading| column(&heading, End, 12)));
    columns.extend([
        column("Mark", End, 12),
        column("Grade", Center, 11),
        column("Result", Center, 11),
        column("Position", Center, 14),
        column("Class average", End, 13),
        column("Weight", End, 12),
        column("Comment", Start, 28),
    ]);
    Table {
        columns,
        rows: body.subjects.iter().map(row).collect(),
        emphasis: Vec::new(),
    }
}

fn summary(body: &CardBody) -> Vec<Fact> {
    let grades: Vec<String> = body
        .grade_counts
        .iter()
        .filter(|count| count.count > 0)
        .map(|count| format!("{} × {}", count.count, count.grade))
        .collect();
    let mut facts = vec![fact("Average", shown(body.average))];
    if let Some((raw, points)) = body.raw_average.zip(body.attendance_points) {
        let sign = if points.0 > 0 { "+" } else { "" };
        let text = format!("{raw}, attendance {sign}{points}");
        facts.push(fact("Average of the marks", text));
    }
    facts.extend([
        fact("Total", body.total.to_string()),
        fact(
            "Subjects passed",
            format!("{} of {}", body.subjects_passed, body.subjects_taken),
        ),
        fact(
            "Position in class",
            place(body.position_in_class, body.class_size),
        ),
        fact(
            "Position in form",
            place(body.position_in_form, body.form_size),
        ),
        fact("Class average", shown(body.class_average)),
        fact(
            "Highest and lowest of the class",
            format!(
                "{} and {}",
                shown(body.class_highest),
                shown(body.class_lowest)
            ),
        ),
    ]);
    if !grades.is_empty() {
        facts.push(fact("Grades", grades.join(", ")));
    }
    if let Some(points) = body.points {
        facts.push(fact("Points", points.to_string()));
    }
    if !body.is_complete {
        facts.push(fact("Marks missing", body.missing.len().to_string()));
    }
    facts
}

fn remarks(body: &CardBody) -> Vec<Paragraph> {
    [
        ("Class teacher", &body.class_teacher_comment.text),
        ("Head teacher", &body.head_teacher_comment.text),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(heading, text)| Paragraph {
        heading: heading.to_owned(),
        text: text.clone(),
    })
    .collect()
}

fn wide(broadsheet: &BroadsheetOut) -> Sheet {
    use Align::{End, Start};
    let subjects = &broadsheet.subjects;
    let mut columns = vec![
        column("Position", End, 8),
        column("Number", Start, 14),
        column("Student", Start, 28),
    ];
    columns.extend(subjects.iter().map(|subject| column(&subject.name, End, 9)));
    columns.extend([
        column("Total", End, 10),
        column("Average", End, 9),
        column("Passed", End, 8),
        column("In form", End, 8),
    ]);
    let mut rows: Vec<Vec<String>> = broadsheet
        .students
        .iter()
        .map(|student| {
            let mut row = vec![
                shown(student.position_in_class),
                student.student_number.clone(),
                student.student_name.clone(),
            ];
            row.extend(student.marks.iter().map(|cell| cell_text(cell.as_ref())));
            row.extend([
                student.total.to_string(),
                shown(student.average),
                student.subjects_passed.to_string(),
                shown(student.position_in_form),
            ]);
            row
        })
        .collect();
    let first = rows.len();
    let mut below = |name: &str, figures: Vec<String>, whole: String| {
        let mut row = vec![String::new(), String::new(), name.to_owned()];
        row.extend(figures);
        row.extend([String::new(), whole, String::new(), String::new()]);
        rows.push(row);
    };
    let each = |figure: &dyn Fn(&BroadsheetSubjectOut) -> String| -> Vec<String> {
        subjects.iter().map(figure).collect()
    };
    below(
        "Average",
        each(&|subject| shown(subject.average)),
        shown(broadsheet.class_average),
    );
    below(
        "Highest",
        each(&|subject| shown(subject.highest)),
        shown(broadsheet.class_highest),
    );
    below(
        "Lowest",
        each(&|subject| shown(subject.lowest)),
        shown(broadsheet.class_lowest),
    );
    below(
        "Sat",
        each(&|subject| subject.number_sat.to_string()),
        String::new(),
    );
    let emphasis = (first..rows.len())
        .filter_map(|row| row.try_into().ok())
        .collect();
    Sheet {
        file_name: short(format!("Broadsheet {}", broadsheet.class_name)),
        orientation: Orientation::Landscape,
        title: short(format!("Broadsheet of {}", broadsheet.class_name)),
        subtitle: short(format!(
            "{} · Term {} · {}",
            broadsheet.exam_session_name, broadsheet.term, broadsheet.session_name
        )),
        table: Some(Table {
            columns,
            rows,
            emphasis,
        }),
        footer: broadsheet.state_text().to_owned(),
        ..Sheet::default()
    }
}

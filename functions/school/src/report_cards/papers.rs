//! Transcripts and honour rolls as sheets.

use homeroom_objects::documents::{
    Align, DocumentRequest, Letterhead, MAX_ROWS, Paragraph, Sheet, Table,
};

use super::{
    honour_roll::HonourRollOut,
    sheet::{column, document, fact, mark, place, result, short},
    shown,
    transcript::{FiguresOut, TranscriptCardOut, TranscriptOut},
};

/// The name of a transcript's file.
pub(crate) fn transcript_name(transcript: &TranscriptOut) -> String {
    format!(
        "Transcript {} {}",
        transcript.student_number, transcript.student_name
    )
}

/// One sheet; more only where one takes no more rows.
pub(crate) fn of_transcript(letterhead: Letterhead, transcript: &TranscriptOut) -> DocumentRequest {
    let mut tables = vec![Table::default()];
    for card in &transcript.report_cards {
        let rows = card_rows(card);
        if tables
            .last()
            .is_none_or(|table| table.rows.len() + rows.len() > MAX_ROWS)
        {
            tables.push(Table::default());
        }
        let Some(table) = tables.last_mut() else {
            continue;
        };
        let (first, last) = (table.rows.len(), table.rows.len() + rows.len() - 1);
        let stand_out = [first, last].into_iter();
        table
            .emphasis
            .extend(stand_out.filter_map(|row| u32::try_from(row).ok()));
        table.rows.extend(rows);
    }
    let name = transcript_name(transcript);
    let mut sheets: Vec<Sheet> = tables
        .into_iter()
        .map(|table| Sheet {
            file_name: short(name.clone()),
            title: "Transcript".to_owned(),
            subtitle: years(transcript),
            facts: vec![
                fact("Student", &transcript.student_name),
                fact("Student number", &transcript.student_number),
                fact("Date of birth", shown(transcript.dob.as_str())),
                fact("Admitted in", transcript.admission_year.to_string()),
            ],
            table: (!table.rows.is_empty()).then(|| transcript_table(table)),
            footer: short(format!(
                "{name}, issued {} from published report cards",
                transcript.issued_on
            )),
            ..Sheet::default()
        })
        .collect();
    if let Some(last) = sheets.last_mut() {
        last.summary = vec![
            fact("Cumulative average", shown(transcript.cumulative_average)),
            fact(
                "Subjects passed",
                format!(
                    "{} of {}",
                    transcript.subjects_passed, transcript.subjects_taken
                ),
            ),
        ];
        last.paragraphs = vec![Paragraph {
            heading: String::new(),
            text: "The cumulative average is that of the averages above, each weighted by the sum of the weights behind it. A result that is worked out from \
                others above stands in their place, with the weights of all of them."
                .to_owned(),
        }];
        last.signatures = ["Head teacher", "Date and stamp"]
            .map(str::to_owned)
            .to_vec();
    }
    document(letterhead, name, sheets)
}

/// From the first session to the last.
fn years(transcript: &TranscriptOut) -> String {
    let mut names = transcript
        .report_cards
        .iter()
        .map(|card| &card.session_name);
    let first = names.next();
    let last = names.next_back().filter(|last| Some(*last) != first);
    let names: Vec<&str> = first.into_iter().chain(last).map(String::as_str).collect();
    short(names.join(" – "))
}

fn transcript_table(table: Table) -> Table {
    use Align::{Center, End, Start};
    Table {
        columns: vec![
            column("Subject", Start, 36),
            column("Mark", End, 12),
            column("Grade", Center, 13),
            column("Result", Center, 12),
            column("In class", Center, 16),
            column("In form", Center, 16),
            column("Weight", End, 12),
        ],
        ..table
    }
}

/// When and where, the subjects, and what they come to.
fn card_rows(card: &TranscriptCardOut) -> Vec<Vec<String>> {
    let row = |cells: [String; 7]| cells.to_vec();
    let empty = String::new;
    let title = format!(
        "{} · Term {} · {}",
        card.session_name, card.term, card.exam_session_name
    );
    let mut rows = vec![row([
        title,
        empty(),
        empty(),
        empty(),
        card.class_name.clone(),
        card.form_name.clone(),
        empty(),
    ])];
    let Some(figures) = &card.figures else {
        let mut withheld = vec!["Withheld".to_owned()];
        withheld.resize(7, empty());
        rows.push(withheld);
        return rows;
    };
    for line in &figures.subjects {
        rows.push(row([
            line.name.clone(),
            mark(line.mark, &line.status),
            shown(line.grade.as_ref()),
            result(line.passed),
            place(line.position_in_class, line.number_sat),
            empty(),
            line.coefficient.to_string(),
        ]));
    }
    rows.push(row(whole(figures)));
    rows
}

fn whole(figures: &FiguresOut) -> [String; 7] {
    let points = figures.points.map(|points| format!("{points} points"));
    [
        "Average".to_owned(),
        shown(figures.average),
        points.unwrap_or_default(),
        format!("{} of {}", figures.subjects_passed, figures.subjects_taken),
        place(figures.position_in_class, figures.class_size),
        place(figures.position_in_form, figures.form_size),
        figures.coefficients.to_string(),
    ]
}

/// One sheet.
pub(crate) fn of_honour_roll(letterhead: Letterhead, roll: &HonourRollOut) -> DocumentRequest {
    use Align::{End, Start};
    let rows = roll.students.iter().map(|student| {
        vec![
            place(student.position_in_class, student.class_size),
            place(student.position_in_form, student.form_size),
            student.student_name.clone(),
            student.student_number.clone(),
            student.class_name.clone(),
            shown(student.average),
            format!("{} of {}", student.subjects_passed, student.subjects_taken),
        ]
    });
    let table = Table {
        columns: vec![
            column("In class", Start, 13),
            column("In form", Start, 14),
            column("Student", Start, 32),
            column("Number", Start, 18),
            column("Class", Start, 16),
            column("Average", End, 12),
            column("Passed", End, 12),
        ],
        rows: rows.collect(),
        emphasis: Vec::new(),
    };
    let named = roll.exam_session_name.as_ref();
    let named = named
        .zip(roll.term.as_ref())
        .zip(roll.session_name.as_ref());
    let subtitle = named.map(|((name, term), session)| format!("{name} · Term {term} · {session}"));
    let is_published = roll
        .students
        .iter()
        .all(|student| student.status == "published");
    let sheet = Sheet {
        file_name: "Honour roll".to_owned(),
        title: "Honour roll".to_owned(),
        subtitle: short(subtitle.unwrap_or_default()),
        table: (!table.rows.is_empty()).then_some(table),
        watermark: (!is_published).then(|| "DRAFT".to_owned()),
        ..Sheet::default()
    };
    document(letterhead, "Honour roll".to_owned(), vec![sheet])
}

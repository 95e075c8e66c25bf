//! What nobody should send.

use homeroom_objects::documents::{
    Align, Column, DocumentError, Fact, Packaging, Paragraph, Sheet, Table,
};
use proptest::prelude::*;

use super::{Fonts, one, pages, print, render, samples};

#[test]
fn control_characters_leave_no_trace() {
    let title = "Ten\u{0}dai\u{7}\u{1b}[31m \u{202e}Moyo\u{2066}\u{fffe}\r\n\tB";
    let page = &pages(&one(Sheet {
        title: title.into(),
        ..Sheet::default()
    }))[0];
    assert!(
        page.text().starts_with("Tendai[31m Moyo B"),
        "{}",
        page.text()
    );
}

#[test]
fn a_word_of_ten_thousand_letters_is_broken_and_complete() {
    let text = "m".repeat(10_000);
    let sheet = Sheet {
        paragraphs: vec![Paragraph {
            text,
            ..Paragraph::default()
        }],
        ..Sheet::default()
    };
    let pages = pages(&one(sheet));
    let count: usize = pages
        .iter()
        .map(|page| page.text().matches('m').count())
        .sum();
    assert_eq!(count, 10_000);
}

#[test]
fn a_table_without_rows_shows_its_headings() {
    let mut request = samples::cards(1, Packaging::Single);
    let table = request.sheets[0].table.as_mut().unwrap();
    table.rows.clear();
    table.emphasis.clear();
    assert!(pages(&request)[0].text().contains("Examination"));
}

#[test]
fn forty_columns_and_the_smallest_weight_keep_their_letters() {
    let column = |index: usize| Column {
        heading: format!("Heading number {index} of many"),
        align: Align::End,
        weight: if index == 0 { 1_000 } else { 1 },
    };
    let table = Table {
        columns: (0..40).map(column).collect(),
        rows: vec![(0..40).map(|cell| format!("[{cell}]")).collect()],
        emphasis: vec![0],
    };
    let text = pages(&one(Sheet {
        table: Some(table),
        ..Sheet::default()
    }))[0]
        .text();
    for index in 0..40 {
        assert!(
            text.contains(&format!("Heading number {index} of many")),
            "{index}: {text}"
        );
        assert!(text.contains(&format!("[{index}]")), "{index}");
    }
}

#[test]
fn a_heading_of_many_short_words_leaves_room_for_the_rows() {
    let column = |_| Column {
        heading: "ab ".repeat(100),
        align: Align::Center,
        weight: 1,
    };
    for count in [1, 5, 20, 40] {
        let table = Table {
            columns: (0..count).map(column).collect(),
            rows: vec![vec!["cell".into(); count]; 3],
            emphasis: Vec::new(),
        };
        let pages = pages(&one(Sheet {
            table: Some(table),
            ..Sheet::default()
        }));
        assert_eq!(pages.len(), 1, "{count}");
        let text = pages[0].text();
        assert_eq!(text.matches("ab").count(), 100 * count);
        assert_eq!(text.matches("cell").count(), 3 * count);
    }
}

#[test]
fn a_sign_wider_than_its_column_shrinks_into_it() {
    let column = |_| Column {
        heading: String::new(),
        align: Align::Start,
        weight: 1,
    };
    let table = Table {
        columns: (0..20).map(column).collect(),
        rows: vec![vec!["\u{fdfd}".into(); 20]],
        emphasis: Vec::new(),
    };
    let rendered = print(&one(Sheet {
        table: Some(table),
        ..Sheet::default()
    }));
    assert_eq!((rendered.missing, rendered.pages), (0, 1));
}

#[test]
fn a_heap_of_marks_on_one_letter_is_cut_down() {
    let title = format!("Z{}algo", "\u{30d}".repeat(200));
    let sheet = Sheet {
        title,
        subtitle: "below".into(),
        ..Sheet::default()
    };
    let text = pages(&one(sheet))[0].text();
    assert_eq!(text.matches('\u{30d}').count(), 8);
}

#[test]
fn a_logo_that_is_no_picture_is_refused_with_the_reason() {
    let png = samples::LOGO.trim();
    let cut: String = png.chars().take(120).collect();
    let jpeg = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////";
    let whole = include_str!("../samples/jpeg.txt").trim();
    let half: String = whole.chars().take(352).collect();
    for (logo, why) in [
        (&*half, "is damaged"),
        (
            include_str!("../samples/long.txt").trim(),
            "is more than 1024 pixels wide or high",
        ),
        ("not base64!", "is not base64"),
        ("aGVsbG8=", "is neither a PNG nor a JPEG"),
        ("iVBORw0KGgo=", "cannot be read"),
        (jpeg, "cannot be read"),
        (&cut, "is damaged"),
        (&"A".repeat(800_000), "is larger than 204800 bytes"),
    ] {
        let mut request = samples::cards(1, Packaging::Single);
        request.letterhead.logo = Some(logo.into());
        let error = render(&request, &Fonts::base().unwrap()).unwrap_err();
        assert_eq!(
            error,
            DocumentError::Logo(why.into()),
            "{}",
            &logo[..logo.len().min(20)]
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_within_bounds_is_printed(
        texts in prop::collection::vec(any::<String>(), 12),
        weight in 1_u16..=1_000,
        rows in 0_usize..5,
        language in prop::option::of(any::<String>()),
    ) {
        let short = |index: usize| texts[index].chars().take(200).collect::<String>();
        let sheet = Sheet {
            file_name: short(0),
            title: short(1),
            subtitle: short(2),
            facts: vec![Fact { label: short(3), value: short(4) }; 4],
            table: Some(Table {
                columns: vec![
                    Column { heading: short(5), align: Align::Start, weight },
                    Column { heading: short(6), align: Align::Center, weight: 1 },
                ],
                rows: vec![vec![short(7), short(8)]; rows],
                emphasis: Vec::new(),
            }),
            paragraphs: vec![Paragraph { heading: short(9), text: texts[10].clone() }],
            signatures: vec![short(11); 4],
            footer: short(1),
            watermark: Some(short(2).chars().take(40).collect()),
            ..Sheet::default()
        };
        let mut request = one(sheet);
        request.language = language.map(|tag| tag.chars().take(35).collect());
        let rendered = print(&request);
        prop_assert!(super::reader::read(&rendered.printed.bytes).len() == rendered.pages);
    }
}

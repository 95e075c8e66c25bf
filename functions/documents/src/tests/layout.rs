//! Where things stand on the page.

use homeroom_objects::documents::{Align, Column, Fact, Orientation, Paragraph, Sheet, Table};

use super::reader::Picture;
use super::{one, pages, print, samples};
use homeroom_objects::documents::Packaging;

fn table(headings: &[&str], rows: Vec<Vec<String>>) -> Table {
    let column = |heading: &&str| Column {
        heading: (*heading).into(),
        align: Align::Start,
        weight: 1,
    };
    Table {
        columns: headings.iter().map(column).collect(),
        rows,
        emphasis: Vec::new(),
    }
}

#[test]
fn a_card_with_twelve_subjects_is_one_page_of_a4() {
    let pages = pages(&samples::cards(1, Packaging::Single));
    assert_eq!(pages.len(), 1);
    assert!((pages[0].width - 595.3).abs() < 0.1 && (pages[0].height - 841.9).abs() < 0.1);
    let text = pages[0].text();
    for part in [
        "Greenwood Academy",
        "Report card",
        "Religious and Moral Education",
        "Parent or guardian",
        "1 / 1",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn a_broadsheet_lies_across_and_repeats_its_headings_on_every_page() {
    let pages = pages(&samples::broadsheet());
    assert!(pages.len() > 1);
    for (index, page) in pages.iter().enumerate() {
        assert!(page.width > page.height);
        let text = page.text();
        for part in [
            "Student",
            "Religious and Moral Education",
            "Position",
            "DRAFT",
        ] {
            assert!(text.contains(part), "page {index}: {part}");
        }
        assert!(text.contains(&format!("{} / {}", index + 1, pages.len())));
    }
    let numbers = |page: &super::reader::Page| -> Vec<usize> {
        page.lines()
            .iter()
            .filter_map(|line| {
                line.split(|c: char| !c.is_ascii_digit())
                    .next()?
                    .parse()
                    .ok()
            })
            .collect()
    };
    assert!(!numbers(&pages[0]).is_empty());
}

#[test]
fn pages_are_counted_for_each_card_alone() {
    let long = "A remark that goes on. ".repeat(400);
    let mut request = samples::cards(2, Packaging::Single);
    request.sheets[0].paragraphs = vec![Paragraph {
        heading: "Remarks".into(),
        text: long,
    }];
    let pages = pages(&request);
    let last = |page: &super::reader::Page| page.pieces.last().unwrap().text.clone();
    assert_eq!(
        pages.iter().map(last).collect::<Vec<_>>(),
        ["1 / 3", "2 / 3", "3 / 3", "1 / 1"]
    );
    assert!(pages[1].text().starts_with("Report card"));
}

#[test]
fn every_row_of_a_long_table_is_there_once() {
    let rows = (0..500)
        .map(|row| vec![format!("<{row}>"), "x".into()])
        .collect();
    let sheet = Sheet {
        title: "List".into(),
        table: Some(table(&["Name", "Mark"], rows)),
        ..Sheet::default()
    };
    let pages = pages(&one(sheet));
    assert!(pages.len() > 10);
    let text: Vec<String> = pages.iter().map(super::reader::Page::text).collect();
    let text = text.concat();
    for row in 0..500 {
        assert_eq!(text.matches(&format!("<{row}>")).count(), 1, "{row}");
    }
    assert_eq!(text.matches("NameMark").count(), pages.len());
}

#[test]
fn a_row_higher_than_a_page_goes_on_over_the_next_ones() {
    let words = |count: usize| {
        (0..count)
            .map(|word| format!("w{word}."))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let rows = vec![vec![words(180)], vec!["last".into()]];
    let mut narrow = table(
        &["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"],
        Vec::new(),
    );
    narrow.rows = rows
        .into_iter()
        .map(|mut row| {
            row.resize(12, String::new());
            row
        })
        .collect();
    let sheet = Sheet {
        orientation: Orientation::Landscape,
        table: Some(narrow),
        ..Sheet::default()
    };
    let pages = pages(&one(sheet));
    assert!(pages.len() >= 2);
    let text: String = pages.iter().map(super::reader::Page::text).collect();
    for word in 0..180 {
        assert_eq!(text.matches(&format!("w{word}.")).count(), 1, "{word}");
    }
    assert!(text.contains("last"));
}

#[test]
fn long_names_wrap_and_nothing_is_cut() {
    let name = "Wolfeschlegelsteinhausenbergerdorff ".repeat(8);
    let name = name.trim();
    let mut request = samples::cards(1, Packaging::Single);
    request.letterhead.name = name.into();
    let sheet = &mut request.sheets[0];
    sheet.title = name.into();
    sheet.facts[0].value = name.into();
    sheet.table.as_mut().unwrap().rows[0][0] = name.into();
    sheet.signatures[0] = name.into();
    sheet.footer = name.into();
    let pages = pages(&request);
    let text: String = pages.iter().map(super::reader::Page::text).collect();
    let count = text.replace(' ', "").matches("dorff").count();
    // Six places on the first page; the running head and the footer again on each further one.
    assert_eq!(count, 8 * (6 + 2 * (pages.len() - 1)));
    for page in &pages {
        for piece in &page.pieces {
            assert!(
                (44.0..551.0).contains(&piece.x) && (30.0..830.0).contains(&piece.y),
                "{piece:?}"
            );
        }
    }
}

#[test]
fn numbers_lean_to_the_right_and_share_one_edge() {
    let mut request = samples::cards(1, Packaging::Single);
    request.sheets[0].table.as_mut().unwrap().rows = ["7", "71", "100"]
        .iter()
        .map(|mark| {
            ["Maths", mark, "1", "1", "A", ""]
                .map(String::from)
                .to_vec()
        })
        .collect();
    request.sheets[0].table.as_mut().unwrap().emphasis.clear();
    let pages = pages(&request);
    let x = |text: &str| {
        pages[0]
            .pieces
            .iter()
            .find(|piece| piece.text == text)
            .unwrap()
            .x
    };
    // Digits are of one width.
    let digit = x("7") - x("71");
    assert!(digit > 3.0 && (x("71") - x("100") - digit).abs() < 0.05);
}

#[test]
fn a_language_from_the_right_mirrors_the_page() {
    let mut request = samples::cards(1, Packaging::Single);
    let x = |request: &_, text: &str| {
        let pages = pages(request);
        pages[0]
            .pieces
            .iter()
            .find(|piece| piece.text == text)
            .unwrap()
            .x
    };
    assert!(x(&request, "Subject") < x(&request, "Grade"));
    for (language, mirrored) in [
        ("ar", true),
        ("ur-PK", true),
        ("az-Arab", true),
        ("he", true),
        ("ar-Latn", false),
        ("sw", false),
    ] {
        request.language = Some(language.into());
        assert_eq!(
            x(&request, "Subject") > x(&request, "Grade"),
            mirrored,
            "{language}"
        );
    }
}

#[test]
fn digits_among_arabic_letters_keep_their_order() {
    let request = one(Sheet {
        title: "حصل على 95 من 100 (Mathematics) نقطة".into(),
        ..Sheet::default()
    });
    let pages = pages(&request);
    let at = |text: &str| {
        let piece = pages[0]
            .pieces
            .iter()
            .find(|piece| piece.text.contains(text));
        piece
            .unwrap_or_else(|| panic!("{text} in {:?}", pages[0].pieces))
            .x
    };
    // From the right: 95, then 100, then the word.
    assert!(at("95") > at("100") && at("100") > at("Mathematics"));
}

#[test]
fn no_line_touches_the_next_one() {
    for request in [
        samples::names(),
        samples::cards(2, Packaging::Single),
        samples::arabic(),
    ] {
        for page in pages(&request) {
            let mut columns: std::collections::BTreeMap<i64, Vec<f64>> =
                std::collections::BTreeMap::new();
            for piece in &page.pieces {
                #[expect(clippy::cast_possible_truncation, reason = "points of a page")]
                columns.entry(piece.x as i64).or_default().push(piece.y);
            }
            for ys in columns.values_mut() {
                ys.sort_by(f64::total_cmp);
                // Marks above and below letters are pieces of their own, at heights of their own.
                assert!(
                    ys.windows(2)
                        .all(|pair| pair[1] - pair[0] < 4.0 || pair[1] - pair[0] > 8.0),
                    "{ys:?}"
                );
            }
        }
    }
}

#[test]
fn a_sheet_without_anything_is_an_empty_page_with_a_number() {
    let rendered = print(&one(Sheet::default()));
    assert_eq!(rendered.pages, 1);
    let pages = super::reader::read(&rendered.printed.bytes);
    assert_eq!(pages[0].text(), "1 / 1");
}

/// 120 by 24 pixels.
const WIDE: &str = include_str!("../samples/wide.txt");
/// 16 by 16 pixels, a JPEG.
const JPEG: &str = include_str!("../samples/jpeg.txt");

fn logos(logo: &str, language: &str) -> Vec<Vec<Picture>> {
    let mut request = samples::cards(2, Packaging::Single);
    request.letterhead.logo = Some(logo.trim().into());
    request.language = Some(language.into());
    let pages = pages(&request);
    pages.into_iter().map(|page| page.pictures).collect()
}

#[test]
fn a_logo_stands_at_the_head_of_every_sheet_and_keeps_its_proportions() {
    let near = |a: f64, b: f64| (a - b).abs() < 0.2;
    for (logo, language, x, width, height) in [
        (samples::LOGO, "en", 45.0, 56.7, 56.7),
        (JPEG, "en", 45.0, 56.7, 56.7),
        (WIDE, "en", 45.0, 141.7, 28.3),
        (WIDE, "ar", 595.3 - 45.0 - 141.7, 141.7, 28.3),
    ] {
        let sheets = logos(logo, language);
        assert_eq!(sheets.len(), 2);
        for pictures in sheets {
            let [drawn] = &pictures[..] else {
                panic!("{pictures:?}")
            };
            assert!(
                near(drawn.x, x) && near(drawn.width, width) && near(drawn.height, height),
                "{drawn:?}"
            );
            assert!(drawn.y >= 38.0 && drawn.y < 60.0, "{drawn:?}");
        }
    }
}

#[test]
fn the_longest_name_of_a_school_stays_beside_its_logo() {
    let mut request = samples::cards(1, Packaging::Single);
    request.letterhead.name = "Wolfeschlegelsteinhausenbergerdorff ".repeat(8);
    request.letterhead.logo = Some(WIDE.trim().into());
    let pages = pages(&request);
    let logo = &pages[0].pictures[0];
    let end = pages[0]
        .pieces
        .iter()
        .position(|piece| piece.text.contains("Learn"))
        .unwrap();
    for piece in &pages[0].pieces[..end] {
        assert!(piece.x >= logo.x + logo.width, "{piece:?} {logo:?}");
    }
}

#[test]
fn no_result_stands_alone_on_a_row() {
    for (count, rows) in [(1, 1), (4, 1), (5, 1), (6, 2), (9, 2), (13, 3)] {
        let results = (1..=count).map(|number| Fact {
            label: "Result".into(),
            value: number.to_string(),
        });
        let sheet = Sheet {
            summary: results.collect(),
            ..Sheet::default()
        };
        let pages = pages(&one(sheet));
        let labels = pages[0]
            .pieces
            .iter()
            .filter(|piece| piece.text == "Result");
        let heights: std::collections::BTreeSet<String> =
            labels.map(|piece| format!("{:.1}", piece.y)).collect();
        assert_eq!(heights.len(), rows, "{count} results");
    }
}

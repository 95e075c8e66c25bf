//! What a printed sheet must be, read back with a parser that this project did not write.

mod hostile;
mod layout;
mod reader;

use homeroom_objects::documents::{DocumentRequest, Packaging, Sheet};
use zip::ZipArchive;

use crate::samples::{self, NAMES};
use crate::scripts::{self, FILES};
use crate::{Fonts, Rendered, render};

/// Prints with all fonts that the request wants.
fn print(request: &DocumentRequest) -> Rendered {
    let wanted = scripts::wanted(request, &Fonts::base().unwrap());
    render(request, &Fonts::with_files(&wanted).unwrap()).unwrap()
}

fn pages(request: &DocumentRequest) -> Vec<reader::Page> {
    reader::read(&print(request).printed.bytes)
}

fn one(sheet: Sheet) -> DocumentRequest {
    DocumentRequest {
        sheets: vec![sheet],
        ..DocumentRequest::default()
    }
}

#[test]
fn names_in_every_script_are_drawn_and_can_be_selected() {
    let rendered = print(&samples::names());
    assert_eq!(rendered.missing, 0);
    let text: String = reader::read(&rendered.printed.bytes)
        .iter()
        .map(reader::Page::text)
        .collect();
    let characters: std::collections::HashSet<char> = text.chars().collect();
    for (script, name) in NAMES {
        for character in name.chars().filter(|character| character.is_alphabetic()) {
            assert!(
                characters.contains(&character),
                "{script}: {character} of {name}"
            );
        }
        let is_from_left = !["Arabic", "Urdu", "Hebrew", "Thaana", "NKo"].contains(&script);
        assert!(!is_from_left || text.contains(name), "{script}: {name}");
    }
}

#[test]
fn every_font_file_is_there_and_is_wanted_by_its_script() {
    let fonts = Fonts::with_files(&FILES).unwrap();
    assert!(FILES.is_sorted());
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fonts/files")).unwrap();
    let there = folder.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|ending| ending == "ttf")
    });
    assert_eq!(there.count(), FILES.len() + 2);
    for (character, file) in [
        ('ن', "Arabic"),
        ('ሀ', "Ethiopic"),
        ('क', "Devanagari"),
        ('ก', "Thai"),
        ('王', "Han"),
        ('さ', "Han"),
        ('，', "Han"),
        ('한', "Hangul"),
        ('𠀋', "Han_Rare"),
        ('ཀ', "Tibetan"),
        ('✓', "Symbols"),
        ('𞤀', "Adlam"),
        ('،', "Arabic"),
        ('।', "Devanagari"),
    ] {
        assert!(fonts.has(character), "{character}");
        let request = one(Sheet {
            title: character.into(),
            ..Sheet::default()
        });
        let wanted = scripts::wanted(&request, &Fonts::base().unwrap());
        assert_eq!(wanted.len(), 1, "{character}: {wanted:?}");
        let fonts = Fonts::with_files(&wanted).unwrap();
        assert!(fonts.has(character), "{character} of {file}: {wanted:?}");
    }
}

#[test]
fn the_base_fonts_suffice_for_latin_greek_and_cyrillic() {
    let base = Fonts::base().unwrap();
    for name in [
        "Nguyễn Thị Ánh",
        "Ọlábísí Ẹ̀bùn",
        "Екатерина Щербакова",
        "Ελευθερία",
        "Ŋ ɓ ɗ ʼ – … €\n\t",
    ] {
        let request = one(Sheet {
            title: name.into(),
            ..Sheet::default()
        });
        assert!(scripts::wanted(&request, &base).is_empty(), "{name}");
        assert_eq!(render(&request, &base).unwrap().missing, 0, "{name}");
    }
}

#[test]
fn what_no_font_has_is_a_box_and_no_failure() {
    let request = one(Sheet {
        title: "\u{13000} \u{E000} 😀 ok".into(),
        ..Sheet::default()
    });
    let rendered = print(&request);
    // Three characters, in the heading and in the head of further pages.
    assert_eq!(rendered.missing, 6);
    assert!(
        reader::read(&rendered.printed.bytes)[0]
            .text()
            .contains("ok")
    );
    // Without the font of a script that it would have had.
    let request = one(Sheet {
        title: "ሀሁ".into(),
        ..Sheet::default()
    });
    assert_eq!(
        render(&request, &Fonts::base().unwrap()).unwrap().missing,
        4
    );
}

#[test]
fn every_sample_is_printed_without_a_box() {
    for (name, request) in samples::all() {
        let rendered = print(&request);
        assert_eq!(rendered.missing, 0, "{name}");
        assert!(rendered.pages >= request.sheets.len(), "{name}");
    }
}

#[test]
fn equal_requests_give_equal_bytes() {
    for request in [
        samples::cards(3, Packaging::Single),
        samples::cards(3, Packaging::Separate),
        samples::broadsheet(),
    ] {
        assert_eq!(print(&request).printed.bytes, print(&request).printed.bytes);
    }
}

#[test]
fn a_file_names_its_title_and_the_school_that_it_is_from() {
    let mut request = samples::cards(2, Packaging::Single);
    let named = |request: &DocumentRequest| reader::title_and_author(&print(request).printed.bytes);
    assert_eq!(
        named(&request),
        ["Report cards of Grade 4 East", "Greenwood Academy"]
    );
    request.title = String::new();
    assert_eq!(named(&request)[0], "Report card");
    request.sheets[0].title = "شهادة".into();
    request.letterhead.name = "مدرسة".into();
    assert_eq!(named(&request), ["شهادة", "مدرسة"]);
}

#[test]
fn separate_sheets_are_one_pdf_each_under_its_own_name() {
    let mut request = samples::cards(3, Packaging::Separate);
    request.sheets[1].file_name = NAMES[0].1.into();
    let rendered = print(&request);
    assert_eq!(rendered.printed.content_type, "application/zip");
    let mut archive = ZipArchive::new(std::io::Cursor::new(rendered.printed.bytes)).unwrap();
    let names: Vec<String> = archive
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "Tatenda Ngoni Chinyoka-Mutasa.pdf",
            "Tatenda Ngoni Chinyoka-Mutasa (2).pdf",
            "Ọlábísí Ẹ̀bùnolúwa Adéṣọlá.pdf"
        ]
    );
    for (index, name) in names.iter().enumerate() {
        let mut pdf = Vec::new();
        std::io::Read::read_to_end(&mut archive.by_name(name).unwrap(), &mut pdf).unwrap();
        let pages = reader::read(&pdf);
        assert_eq!(pages.len(), 1);
        assert!(pages[0].text().contains(&format!("GA-2026-{index:04}")));
    }
}

#[test]
fn four_hundred_cards_are_printed_and_one_more_is_refused() {
    let request = samples::cards(400, Packaging::Single);
    assert_eq!(print(&request).pages, 400);
    assert!(
        render(
            &samples::cards(401, Packaging::Single),
            &Fonts::base().unwrap()
        )
        .is_err()
    );
}

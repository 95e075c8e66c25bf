use super::*;

fn request(sheet: Sheet) -> DocumentRequest {
    DocumentRequest {
        sheets: vec![sheet],
        ..DocumentRequest::default()
    }
}

fn table(columns: usize, rows: Vec<Vec<String>>) -> Table {
    let column = Column {
        heading: "Mark".into(),
        align: Align::End,
        weight: 1,
    };
    Table {
        columns: vec![column; columns],
        rows,
        emphasis: Vec::new(),
    }
}

#[test]
fn a_request_and_a_refusal_have_the_agreed_form() {
    let json = r#"{"title":"","letterhead":{"name":"Greenwood","lines":[]},"sheets":[{"file_name":"tendai","orientation":"landscape","title":"Report","subtitle":"","facts":[{"label":"Class","value":"4"}],"table":{"columns":[{"heading":"Mark","align":"end","weight":1}],"rows":[["71"]],"emphasis":[0]},"summary":[],"paragraphs":[],"signatures":[],"footer":""}],"packaging":"separate","language":"en"}"#;
    let request: DocumentRequest = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&request).unwrap(), json);
    assert_eq!(request.check(), Ok(()));
    assert_eq!(request.packaging.content_type(), ZIP);

    let error = DocumentError::Logo("is no picture".into());
    let json = r#"{"code":"logo","detail":"is no picture"}"#;
    assert_eq!(serde_json::to_string(&error).unwrap(), json);
    assert_eq!(serde_json::from_str::<DocumentError>(json).unwrap(), error);
}

#[test]
fn what_is_left_out_is_empty() {
    let short: DocumentRequest = serde_json::from_str(r#"{"sheets":[{}]}"#).unwrap();
    assert_eq!(short, request(Sheet::default()));
    assert_eq!(short.check(), Ok(()));
}

#[test]
fn whatever_is_over_its_bound_is_refused_by_name() {
    let long = |characters: usize| "ሀ".repeat(characters);
    for (sheet, named) in [
        (
            Sheet {
                title: long(MAX_SHORT + 1),
                ..Sheet::default()
            },
            "sheets[0].title",
        ),
        (
            Sheet {
                watermark: Some(long(41)),
                ..Sheet::default()
            },
            "sheets[0].watermark",
        ),
        (
            Sheet {
                signatures: vec![String::new(); 10],
                ..Sheet::default()
            },
            "sheets[0].signatures",
        ),
        (
            Sheet {
                facts: vec![Fact::default(); 41],
                ..Sheet::default()
            },
            "sheets[0].facts",
        ),
        (
            Sheet {
                paragraphs: vec![Paragraph {
                    text: long(MAX_TEXT + 1),
                    ..Paragraph::default()
                }],
                ..Sheet::default()
            },
            "sheets[0].paragraphs",
        ),
        (
            Sheet {
                table: Some(table(0, vec![])),
                ..Sheet::default()
            },
            "sheets[0].table.columns",
        ),
        (
            Sheet {
                table: Some(table(41, vec![])),
                ..Sheet::default()
            },
            "sheets[0].table.columns",
        ),
        (
            Sheet {
                table: Some(table(2, vec![vec![String::new()]])),
                ..Sheet::default()
            },
            "sheets[0].table.rows[0] has 1 cells for 2 columns",
        ),
        (
            Sheet {
                table: Some(table(1, vec![vec![long(MAX_CELL + 1)]])),
                ..Sheet::default()
            },
            "sheets[0].table.rows[0]",
        ),
        (
            Sheet {
                table: Some(Table {
                    emphasis: vec![0],
                    ..table(1, vec![])
                }),
                ..Sheet::default()
            },
            "sheets[0].table.emphasis",
        ),
    ] {
        let error = request(sheet).check().unwrap_err();
        assert!(
            matches!(&error, DocumentError::OutOfBounds(text) if text.starts_with(named)),
            "{named}: {error}"
        );
    }
}

#[test]
fn no_sheets_too_many_sheets_and_too_much_text_are_refused() {
    let sheets = |count: usize| DocumentRequest {
        sheets: vec![Sheet::default(); count],
        ..DocumentRequest::default()
    };
    assert!(sheets(0).check().is_err());
    assert!(sheets(MAX_SHEETS).check().is_ok());
    assert!(sheets(MAX_SHEETS + 1).check().is_err());

    let paragraph = Paragraph {
        text: "a".repeat(MAX_TEXT),
        ..Paragraph::default()
    };
    let full = Sheet {
        paragraphs: vec![paragraph; MAX_PARAGRAPHS],
        ..Sheet::default()
    };
    let mut request = request(full.clone());
    assert!(request.check().is_ok());
    request.sheets = vec![full; 10];
    assert!(
        request
            .check()
            .unwrap_err()
            .to_string()
            .contains("the request")
    );
}

#[test]
fn a_bound_counts_characters_and_not_bytes() {
    let sheet = Sheet {
        title: "学".repeat(MAX_SHORT),
        ..Sheet::default()
    };
    assert_eq!(request(sheet).check(), Ok(()));
}

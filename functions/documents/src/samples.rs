//! Sheets as a school prints them, for tests and for the eye.

use homeroom_objects::documents::{
    Align, Column, DocumentRequest, Fact, Letterhead, Orientation, Packaging, Paragraph, Sheet,
    Table,
};

/// A green square with a white cross, 24 pixels wide.
pub(crate) const LOGO: &str = include_str!("samples/logo.txt");

/// Names as people have them, with the script that each is in.
pub(crate) const NAMES: [(&str, &str); 34] = [
    ("Latin", "Tatenda Ngoni Chinyoka-Mutasa"),
    ("Vietnamese", "Nguyễn Thị Ngọc Ánh"),
    ("Yoruba", "Ọlábísí Ẹ̀bùnolúwa Adéṣọlá"),
    ("Czech", "Žofie Dvořáčková"),
    ("Cyrillic", "Екатерина Щербакова"),
    ("Greek", "Ελευθερία Παπαδοπούλου"),
    ("Arabic", "محمد عبد الرحمن الشريف"),
    ("Urdu", "فاطمہ بیگم چوہدری"),
    ("Hebrew", "נֹעָה בֶּן־דָּוִד"),
    ("Amharic", "ብርሃነ ወልደ ገብርኤል"),
    ("Hindi", "श्रीकृष्ण त्रिवेदी"),
    ("Bengali", "রবীন্দ্রনাথ চৌধুরী"),
    ("Gujarati", "જ્ઞાનેશ્વરી પટેલ"),
    ("Punjabi", "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ"),
    ("Oriya", "ଶ୍ରୀମତୀ ପଣ୍ଡା"),
    ("Tamil", "கிருஷ்ணமூர்த்தி"),
    ("Telugu", "శ్రీలక్ష్మి రెడ్డి"),
    ("Kannada", "ಕೃಷ್ಣಪ್ಪ ಗೌಡ"),
    ("Malayalam", "ശ്രീകുമാർ നമ്പൂതിരി"),
    ("Sinhala", "ශ්‍රියානි පෙරේරා"),
    ("Thai", "ศิริพร พงษ์ประเสริฐ"),
    ("Lao", "ຄຳແສນ ວົງສຸວັນ"),
    ("Khmer", "សុភ័ក្ត្រ ចាន់ធូ"),
    ("Burmese", "အောင်ဆန်းဦး"),
    ("Tibetan", "བསྟན་འཛིན་རྒྱ་མཚོ"),
    ("Georgian", "ქეთევან ბერიძე"),
    ("Armenian", "Հովհաննես Գրիգորյան"),
    ("Chinese", "王小明、歐陽詩涵"),
    ("Japanese", "さくら・タナカ 山田太郎"),
    ("Korean", "김민준 박서연"),
    ("Thaana", "އަޙްމަދު ޝަރީފް"),
    ("NKo", "ߒߞߏ ߞߊ߲ߕߍ"),
    ("Tifinagh", "ⵜⴰⵏⵉⵔⵜ"),
    ("Cherokee", "ᏎᏉᏯ ᏗᎦᏚᎲ"),
];

/// The subjects of a report card.
const SUBJECTS: [&str; 12] = [
    "Mathematics",
    "English Language",
    "Shona",
    "Integrated Science",
    "History",
    "Geography",
    "Agriculture",
    "Religious and Moral Education",
    "Computer Studies",
    "Art and Design",
    "Physical Education",
    "Music",
];

fn fact(label: &str, value: &str) -> Fact {
    Fact {
        label: label.into(),
        value: value.into(),
    }
}

fn column(heading: &str, align: Align, weight: u16) -> Column {
    Column {
        heading: heading.into(),
        align,
        weight,
    }
}

/// A school's head of paper.
pub(crate) fn letterhead() -> Letterhead {
    Letterhead {
        name: "Greenwood Academy".into(),
        lines: vec![
            "Learn to serve".into(),
            "12 Samora Machel Avenue, Harare · +263 24 2700 000 · office@greenwood.example".into(),
        ],
        logo: Some(LOGO.trim().into()),
    }
}

/// A report card with twelve subjects.
pub(crate) fn card(name: &str, number: usize) -> Sheet {
    let rows = SUBJECTS.iter().enumerate().map(|(index, subject)| {
        let mark = 45 + (index * 17 + number * 7) % 54;
        let grade = match mark {
            80.. => "A",
            70.. => "B",
            60.. => "C",
            50.. => "D",
            _ => "E",
        };
        vec![
            (*subject).into(),
            format!("{}", mark - 5),
            format!("{}", (mark + 3).min(100)),
            format!("{mark}.{}", index % 10),
            grade.into(),
            [
                "Excellent work",
                "Good, keep it up",
                "Should take part more",
            ][index % 3]
                .into(),
        ]
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    rows.push(
        ["Average", "66", "72", "69.4", "C", ""]
            .map(String::from)
            .to_vec(),
    );
    Sheet {
        file_name: name.into(),
        title: "Report card".into(),
        subtitle: format!("{name} · Term 2, 2026"),
        facts: vec![
            fact("Student", name),
            fact("Student number", &format!("GA-2026-{number:04}")),
            fact("Class", "Grade 4 East"),
            fact("Class teacher", "Mrs R. Moyo"),
            fact("Days present", "58 of 61"),
            fact("Position", &format!("{} of 40", number + 1)),
        ],
        table: Some(Table {
            columns: vec![
                column("Subject", Align::Start, 34),
                column("Course work", Align::End, 13),
                column("Examination", Align::End, 15),
                column("Total", Align::End, 10),
                column("Grade", Align::Center, 10),
                column("Remark", Align::Start, 30),
            ],
            emphasis: vec![12],
            rows,
        }),
        summary: vec![fact("Total", "832.8"), fact("Average", "69.4"), fact("Grade", "C"), fact("Decision", "Promoted")],
        paragraphs: vec![
            Paragraph {
                heading: "Class teacher’s remark".into(),
                text: "A steady term. Reading aloud has become fluent, and the project on the Zambezi was the best of the class. More care with units in Science would lift the mark.".into(),
            },
            Paragraph { heading: "Head’s remark".into(), text: "Well done. Keep it up.".into() },
        ],
        signatures: vec!["Class teacher".into(), "Head".into(), "Parent or guardian".into()],
        footer: "Next term begins on 8 September 2026. Fees are due on the first day.".into(),
        ..Sheet::default()
    }
}

/// A request for some cards.
pub(crate) fn cards(count: usize, packaging: Packaging) -> DocumentRequest {
    let name = |number: usize| {
        NAMES
            .iter()
            .cycle()
            .nth(number)
            .map_or("", |(_, name)| *name)
    };
    DocumentRequest {
        title: "Report cards of Grade 4 East".into(),
        letterhead: letterhead(),
        sheets: (0..count)
            .map(|number| card(name(number), number))
            .collect(),
        packaging,
        language: Some("en".into()),
    }
}

/// Forty students and twelve subjects on one table.
pub(crate) fn broadsheet() -> DocumentRequest {
    let mut columns = vec![
        column("#", Align::End, 6),
        column("Student", Align::Start, 40),
    ];
    columns.extend(
        SUBJECTS
            .iter()
            .map(|subject| column(subject, Align::End, 10)),
    );
    columns.extend([
        column("Total", Align::End, 12),
        column("Average", Align::End, 12),
        column("Position", Align::End, 12),
    ]);
    let rows = (0..40).map(|number: usize| {
        let name = NAMES
            .iter()
            .cycle()
            .nth(number)
            .map_or("", |(_, name)| *name);
        let mut row = vec![(number + 1).to_string(), name.to_owned()];
        row.extend((0..12).map(|subject| (40 + (number * 13 + subject * 29) % 61).to_string()));
        row.extend([
            format!("{}", 700 + number),
            format!("{}.{}", 58 + number % 9, number % 10),
            (number + 1).to_string(),
        ]);
        row
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    let mut average = vec![String::new(), "Class average".to_owned()];
    average.extend((0..15).map(|subject| format!("{}.4", 55 + subject)));
    rows.push(average);
    let sheet = Sheet {
        file_name: "Broadsheet Grade 4 East".into(),
        orientation: Orientation::Landscape,
        title: "Broadsheet".into(),
        subtitle: "Grade 4 East · Term 2, 2026".into(),
        facts: vec![
            fact("Students", "40"),
            fact("Passed", "31"),
            fact("Class teacher", "Mrs R. Moyo"),
        ],
        table: Some(Table {
            columns,
            rows,
            emphasis: vec![40],
        }),
        signatures: vec!["Class teacher".into(), "Head".into()],
        footer: "Greenwood Academy".into(),
        watermark: Some("DRAFT".into()),
        ..Sheet::default()
    };
    DocumentRequest {
        letterhead: letterhead(),
        sheets: vec![sheet],
        language: Some("en".into()),
        ..DocumentRequest::default()
    }
}

/// A table of names in many scripts.
pub(crate) fn names() -> DocumentRequest {
    let rows = NAMES.iter().map(|(script, name)| {
        vec![
            (*script).to_owned(),
            (*name).to_owned(),
            (*name).to_owned(),
            "71".into(),
        ]
    });
    let sheet = Sheet {
        title: "Names".into(),
        table: Some(Table {
            columns: vec![
                column("Script", Align::Start, 10),
                column("Name", Align::Start, 20),
                column("Centred", Align::Center, 20),
                column("Mark", Align::End, 6),
            ],
            emphasis: vec![6, 9, 10, 27],
            rows: rows.collect(),
        }),
        ..Sheet::default()
    };
    DocumentRequest {
        letterhead: letterhead(),
        sheets: vec![sheet],
        ..DocumentRequest::default()
    }
}

/// A card in Arabic, mirrored.
pub(crate) fn arabic() -> DocumentRequest {
    let mut sheet = card("محمد عبد الرحمن الشريف", 3);
    sheet.title = "شهادة مدرسية".into();
    sheet.subtitle = "الفصل الدراسي الثاني 2026".into();
    sheet.facts = vec![
        fact("الطالب", "محمد عبد الرحمن الشريف"),
        fact("رقم الطالب", "GA-2026-0003"),
        fact("الصف", "الرابع (أ)"),
    ];
    sheet.paragraphs = vec![Paragraph {
        heading: "ملاحظات المعلم".into(),
        text: "أداء ممتاز في هذا الفصل، وقد حصل على 95 درجة في الرياضيات (Mathematics) من أصل 100. نتمنى له التوفيق والنجاح في الفصل القادم، ونوصي بمزيد من القراءة في المنزل كل يوم.".into(),
    }];
    sheet.footer = "يبدأ الفصل القادم في 8 سبتمبر 2026".into();
    DocumentRequest {
        letterhead: letterhead(),
        sheets: vec![sheet],
        language: Some("ar".into()),
        ..DocumentRequest::default()
    }
}

/// Long names everywhere, remarks over several pages, and more columns than a page has room for.
pub(crate) fn extremes() -> DocumentRequest {
    let long = "Wolfeschlegelsteinhausenbergerdorff-Mutasa ወልደገብርኤል Αλεξανδροπούλου ".repeat(3);
    let mut card = card(&long, 9);
    card.title.clone_from(&long);
    card.signatures.push(long.clone());
    card.footer.clone_from(&long);
    card.summary.push(fact(&long, &long));
    card.paragraphs[0].text =
        "A remark that goes on and on, over the end of the page.\n\nمدرسة في السطر التالي.\n"
            .repeat(25);
    if let Some(row) = card.table.as_mut().and_then(|table| table.rows.first_mut()) {
        row.fill(long.clone());
    }
    let wide = Sheet {
        orientation: Orientation::Landscape,
        title: "Forty columns".into(),
        table: Some(Table {
            columns: (0..40)
                .map(|index| {
                    column(
                        &format!("Heading number {index} of the many"),
                        Align::End,
                        if index == 1 { 20 } else { 1 },
                    )
                })
                .collect(),
            rows: (0..30)
                .map(|row| {
                    (0..40)
                        .map(|cell| {
                            if cell == 1 {
                                NAMES[row].1.to_owned()
                            } else {
                                (row * cell % 101).to_string()
                            }
                        })
                        .collect()
                })
                .collect(),
            emphasis: vec![29],
        }),
        ..Sheet::default()
    };
    DocumentRequest {
        letterhead: letterhead(),
        sheets: vec![card, wide],
        ..DocumentRequest::default()
    }
}

/// All of them, with a name for the file.
pub(crate) fn all() -> Vec<(&'static str, DocumentRequest)> {
    let one = DocumentRequest {
        sheets: vec![card("Tatenda Ngoni Chinyoka-Mutasa", 4)],
        ..cards(1, Packaging::Single)
    };
    vec![
        ("card", one),
        ("cards", cards(40, Packaging::Single)),
        ("cards-separate", cards(40, Packaging::Separate)),
        ("broadsheet", broadsheet()),
        ("names", names()),
        ("arabic", arabic()),
        ("extremes", extremes()),
    ]
}
